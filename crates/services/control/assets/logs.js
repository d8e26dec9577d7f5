// Logs: older and newer lines as one scrolls, following with a pause, keys for matches. Without it every step is a link.
(() => {
  "use strict";
  const box = document.getElementById("lines");
  const root = document.documentElement;
  const slash = document.querySelector("[data-slash]");
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const link = event.key === "n" ? "[data-next]" : event.key === "N" ? "[data-prev]" : null;
    if (link) document.querySelector(link)?.click();
    if (event.key === "/" && slash) { event.preventDefault(); slash.focus(); slash.select(); }
  });
  const wrap = document.querySelector("[data-wrap]");
  if (wrap && box) wrap.addEventListener("change", () => box.classList.toggle("wrap", wrap.checked));
  if (!box) return;

  // So many chunks stay in the page; what is further away comes again when it is wanted.
  const most = 40;
  const made = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };
  const hide = (selector) => { const more = document.querySelector(selector)?.closest(".more"); if (more) more.hidden = true; };
  let busy = false, trimmed = false;
  const load = async (way) => {
    const chunk = way === "older" ? box.firstElementChild : box.lastElementChild;
    const address = chunk && chunk.dataset[way];
    if (busy || !address) return;
    busy = true;
    try {
      const answer = await fetch(address, { headers: { "hx-request": "true" } });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const more = made(await answer.text());
      delete chunk.dataset[way];
      const height = box.scrollHeight, top = box.scrollTop;
      if (way === "older") {
        delete more.dataset.newer;
        box.prepend(more);
        // What was in front of the eye stays there.
        box.scrollTop = top + box.scrollHeight - height;
        while (box.childElementCount > most && box.lastElementChild.dataset.here) {
          const last = box.lastElementChild;
          last.previousElementSibling.dataset.newer = last.dataset.here;
          last.remove();
          trimmed = true;
        }
      } else {
        delete more.dataset.older;
        box.append(more);
        while (box.childElementCount > most && box.firstElementChild.dataset.here) {
          const first = box.firstElementChild, next = first.nextElementSibling, gone = first.offsetHeight;
          next.dataset.older = next.dataset.here.replace("at=", "before=");
          first.remove();
          box.scrollTop -= gone;
        }
      }
    } finally { busy = false; }
  };
  const near = 1200;
  const look = () => {
    if (box.scrollTop < near) load("older");
    if (box.scrollHeight - box.scrollTop - box.clientHeight < near) load("newer");
  };
  hide("[data-older]"); hide("[data-newer]");
  box.addEventListener("scroll", look, { passive: true });

  const follow = document.querySelector("[data-follow-lines]");
  const waiting = document.querySelector("[data-waiting]");
  const following = () => Boolean(follow && follow.checked);
  const toEnd = () => { box.scrollTop = box.scrollHeight; };
  const hit = document.getElementById("hit");
  if (hit) box.scrollTop = hit.offsetTop - box.offsetTop - box.clientHeight / 3;
  else if (box.dataset.stream || !location.search.includes("at=")) toEnd();
  look();
  if (!box.dataset.stream || !follow) return;
  const switched = follow.closest("label");
  if (switched) switched.hidden = false;

  // While one looks at something, what comes is kept, up to so many lines; the page tells how many wait.
  const longest = 5000;
  let kept = [], count = 0;
  const add = (chunk) => {
    const last = box.lastElementChild;
    if (last && last.childElementCount < 400 && !last.dataset.here) last.append(...chunk.children);
    else box.append(chunk);
    while (box.childElementCount > most * 2) box.firstElementChild.remove();
  };
  const show = () => {
    // The end of the log is not in the page any more: it comes fresh.
    if (trimmed) { document.querySelector("[data-latest]").click(); return; }
    kept.forEach(add);
    kept = []; count = 0;
    if (waiting) waiting.hidden = true;
    if (following()) toEnd();
  };
  follow.addEventListener("change", () => { if (following()) show(); });
  let own = false;
  box.addEventListener("scroll", () => {
    if (own) return;
    const end = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    if (end !== follow.checked) { follow.checked = end; if (end) show(); }
  }, { passive: true });

  let failures = 0;
  const stream = new EventSource(box.dataset.stream);
  const take = (event) => {
    const chunk = made(event.data);
    if (!chunk) return;
    if (following()) {
      own = true;
      add(chunk);
      toEnd();
      requestAnimationFrame(() => { own = false; });
    } else {
      count += chunk.childElementCount;
      if (count <= longest) kept.push(chunk);
      if (waiting) { waiting.hidden = false; waiting.textContent = `${count.toLocaleString(root.lang)} · ${waiting.dataset.text}`; }
    }
  };
  stream.onopen = () => { failures = 0; root.dataset.live = "on"; };
  stream.onmessage = take;
  stream.addEventListener("anew", (event) => { box.replaceChildren(); take(event); });
  stream.onerror = () => {
    root.dataset.live = "off";
    failures += 1;
    // Refused for good: signed out, or the service is away. The page itself knows what to say.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), Math.min(failures * 2000, 10000));
  };
  addEventListener("pagehide", () => stream.close());
})();
