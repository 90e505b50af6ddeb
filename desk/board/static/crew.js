// Lines between the desks: one for each hand-over of the list below them, with a dot that travels
// along those of this moment. Who wants less motion sees an arrow; older ones fade.
const SPACE = "http://www.w3.org/2000/svg";
const made = (name, attributes) => {
  const node = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

// Where a line leaves or meets a desk: the middle of the side that faces the other one.
function side(box, other) {
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const far = { x: other.x + other.width / 2 - middle.x, y: other.y + other.height / 2 - middle.y };
  if (other.y >= box.y + box.height) return { x: middle.x, y: box.y + box.height, dx: 0, dy: 1 };
  if (other.y + other.height <= box.y) return { x: middle.x, y: box.y, dx: 0, dy: -1 };
  return { x: far.x > 0 ? box.x + box.width : box.x, y: middle.y, dx: Math.sign(far.x), dy: 0 };
}

// From a desk of the upper row to the people below: through the aisle beside it.
function aisle(from, people, desks) {
  const start = { x: from.x + from.width / 2, y: from.y + from.height };
  const below = desks.filter((desk) => desk.y >= start.y).map((desk) => desk.y);
  const turn = start.y + (below.length ? Math.min(...below) - start.y : 0) / 2;
  const right = from.x + from.width + 32;
  const x = right < people.width ? right : from.x - 32;
  const way = x > start.x ? 10 : -10;
  return {
    path: `M${start.x} ${start.y} V${turn - 10} q0 10 ${way} 10 H${x - way} q${way} 0 ${way} 10 V${people.y}`,
    end: { x, y: people.y, dx: 0, dy: -1 },
  };
}

function line(from, to, order, desks) {
  const [a, b] = [side(from, to), side(to, from)];
  // Work that goes both ways between two desks has two lines.
  const aside = from.x + from.y < to.x + to.y ? 9 : -9;
  for (const end of [a, b]) {
    if (end.dy) end.x += aside;
    else end.y += aside;
  }
  const bend = Math.min(60, Math.hypot(b.x - a.x, b.y - a.y) / 2);
  const direct = `M${a.x} ${a.y} C${a.x + a.dx * bend} ${a.y + a.dy * bend} ${b.x + b.dx * bend} ${b.y + b.dy * bend} ${b.x} ${b.y}`;
  const behind = desks && desks.some((desk) => desk.y >= from.y + from.height);
  const { path, end } = behind ? aisle(from, to, desks) : { path: direct, end: b };
  const group = made("g", {});
  group.append(made("path", { d: path }));
  const angle = (Math.atan2(-end.dy, -end.dx) * 180) / Math.PI;
  group.append(
    made("path", { class: "arrow", d: "M0 0 L-9 -5 L-9 5 z", transform: `translate(${end.x} ${end.y}) rotate(${angle})` }),
  );
  const dot = made("circle", { r: 5 });
  dot.append(made("animateMotion", { path, dur: "2.6s", begin: `-${order * 0.35}s`, repeatCount: "indefinite" }));
  return { group, dot };
}

let seen = null;

function draw() {
  const room = document.querySelector("[data-room]");
  const lines = room?.querySelector(".room-lines");
  if (!lines) return;
  const zero = room.getBoundingClientRect();
  const boxes = {};
  for (const desk of room.querySelectorAll("[data-agent]")) {
    const box = desk.getBoundingClientRect();
    boxes[desk.dataset.agent] = { x: box.x - zero.x, y: box.y - zero.y, width: box.width, height: box.height };
  }
  const { people: _, ...seated } = boxes;
  const desks = Object.values(seated);
  const drawn = new Map();
  const handed = [...document.querySelectorAll(".handovers > li")];
  handed.forEach((item, order) => {
    const { from, to } = item.dataset;
    const key = `${from} ${to}`;
    if (drawn.has(key) || !boxes[from] || !boxes[to]) return;
    const { group, dot } = line(boxes[from], boxes[to], order, to === "people" ? desks : null);
    const now = "now" in item.dataset;
    const fresh = seen !== null && Number(item.dataset.line) > seen;
    group.classList.toggle("is-now", now);
    group.classList.toggle("is-asked", to === "people");
    if (now || fresh) group.append(dot);
    else group.setAttribute("opacity", Math.max(0.25, 1 - order * 0.12).toFixed(2));
    drawn.set(key, group);
  });
  lines.replaceChildren(...drawn.values());
  seen = Math.max(seen ?? 0, ...handed.map((item) => Number(item.dataset.line)));
}

let due = 0;
const soon = () => {
  cancelAnimationFrame(due);
  due = requestAnimationFrame(draw);
};
soon();
addEventListener("resize", soon);
document.body.addEventListener("htmx:afterSettle", soon);
document.fonts?.ready.then(soon);
