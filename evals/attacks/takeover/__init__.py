"""Part "takeover" of the battery: a scripted model in every role, judged by what it achieves."""
