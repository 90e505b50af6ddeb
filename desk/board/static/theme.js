// Before anything is painted: the colours that this browser chose last time.
(() => {
  try {
    const chosen = localStorage.getItem("labcrew-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; then the system's colours stand.
  }
})();
