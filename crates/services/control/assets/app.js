// What HTML and htmx cannot do alone: the setup code out of the address, the filter, ticking times, following a
// log, and saying whether the page is live. Everything works without it, only less conveniently.
(() => {
  "use strict";
  const root = document.documentElement;
  // Times as this browser writes them, if it speaks the page's language.
  const lang = navigator.languages.find((one) => one.split("-")[0] === root.lang) || root.lang;
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

  // The setup code travels in the fragment, which no server sees; it does not stay in the history either.
  const code = document.querySelector("[data-from-fragment]");
  if (code && location.hash.length > 1) {
    try { code.value = decodeURIComponent(location.hash.slice(1)); } catch { code.value = location.hash.slice(1); }
    history.replaceState(null, "", location.pathname + location.search);
    (document.getElementById("password") || code).focus();
  }

  // Times in the browser's zone and manner; lengths go on by themselves.
  const length = (s) => {
    s = Math.max(0, Math.floor(s));
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min ${s % 60} s` : `${s} s`;
  };
  const seconds = (text) => {
    const unit = { d: 86400, h: 3600, min: 60, s: 1 };
    return [...text.matchAll(/(\d+) (d|h|min|s)/g)].reduce((sum, [, n, u]) => sum + n * unit[u], 0);
  };
  const tick = () => {
    // The board's clock may differ from ours: what counts is the length that it wrote, and when it came.
    each("time[data-up]", (time) => {
      const written = time.dataset.written;
      if (written !== time.textContent) {
        time.came = performance.now() - seconds(time.textContent) * 1000;
      }
      time.textContent = time.dataset.written = length((performance.now() - time.came) / 1000);
    });
  };
  const localise = () => each("time[data-when]:not([data-done])", (time) => {
    const when = new Date(time.dateTime);
    const now = new Date();
    const clock = { hour: "2-digit", minute: "2-digit" };
    time.title = when.toLocaleString(lang);
    time.textContent = when.toDateString() === now.toDateString() ? when.toLocaleTimeString(lang, clock)
      : when.getFullYear() === now.getFullYear() ? when.toLocaleString(lang, { day: "numeric", month: "short", ...clock })
      : when.toLocaleDateString(lang, { dateStyle: "medium" });
    time.dataset.done = "";
  });

  // The filter looks at names, groups and states.
  const input = document.querySelector("[data-filter]");
  const filter = () => {
    if (!input) return;
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    each(`${input.dataset.filter} tbody[data-group]`, (group) => {
      let some = 0;
      group.querySelectorAll("tr[data-find]").forEach((row) => {
        row.hidden = !words.every((word) => row.dataset.find.includes(word));
        some += !row.hidden;
      });
      group.hidden = some === 0;
      shown += some;
    });
    const nothing = document.getElementById("nothing");
    if (nothing) nothing.hidden = shown > 0 || words.length === 0;
  };
  if (input) {
    input.closest("label").hidden = false;
    input.addEventListener("input", filter);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      input.value = "";
      filter();
    });
  }

  // The keyboard: `/` to the page's filter or search, `?` for help, `g` and a letter to another page.
  const help = document.getElementById("keys");
  let going = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog")) return;
    const search = document.querySelector("[data-filter], [data-search], input[type=search]");
    const link = event.timeStamp < going && document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
    going = event.key === "g" ? event.timeStamp + 1500 : 0;
    if (link) {
      event.preventDefault();
      location.assign(link.href);
    } else if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "?" && help) {
      event.preventDefault();
      help.showModal();
    }
  });
  each("[data-keys]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  });
  // The menu closes like every other: by Escape, or by a look elsewhere.
  const menu = document.querySelector("details.menu");
  if (menu) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  }

  // Out of reach: a page that says so, kept by a worker.
  const { base, worker } = document.getElementById("app").dataset;
  if ("serviceWorker" in navigator && isSecureContext) {
    const offline = encodeURIComponent(`${base}/offline?lang=${root.lang}`);
    navigator.serviceWorker.register(`${worker}?offline=${offline}`, { scope: `${base}/` }).catch(() => {});
  }
  each("[data-again]", (link) => {
    link.addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
    addEventListener("online", () => location.reload());
  });

  // A followed log stays at its end; scrolling up stops that, scrolling down again resumes it.
  const log = document.getElementById("log");
  const follow = document.querySelector("[data-follow]");
  const most = 400000;
  const toEnd = () => {
    if (!log) return;
    while (log.textContent.length > most && log.childNodes.length > 1) log.firstChild.remove();
    if (follow && follow.checked) log.scrollTop = log.scrollHeight;
  };
  if (log && follow) {
    const label = follow.closest("label");
    if (label) label.hidden = false;
    follow.addEventListener("change", toEnd);
    log.addEventListener("scroll", () => {
      follow.checked = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
    }, { passive: true });
    toEnd();
  }

  const notice = document.getElementById("notice");

  // Live or not.
  const live = (state) => { root.dataset.live = state; };
  addEventListener("htmx:sse:after:connection", () => live("on"));
  addEventListener("htmx:sse:error", (event) => {
    live("off");
    // Signed out meanwhile: the page itself leads to the sign-in form.
    if (event.detail && event.detail.status === 401) location.reload();
  });
  addEventListener("offline", () => live("off"));

  // What is not an answer of ours (a gateway's page, or nothing at all) is never put into the page.
  const failed = (event) => {
    const ctx = event.detail && event.detail.ctx;
    if (!ctx || (ctx.text || "").includes("hx-partial")) return;
    const source = ctx.sourceElement;
    const stream = source.getAttribute("hx-sse:connect");
    if (stream) {
      live("off");
      // What the page showed when it was made is long past.
      setTimeout(() => htmx.ajax("GET", stream.replace(/[?&]seen=\d+/, ""), { source }), 3000);
    } else if (source.matches("form")) {
      notice.replaceChildren(document.getElementById("away").content.cloneNode(true));
    }
  };
  addEventListener("htmx:response:error", failed);
  addEventListener("htmx:error", failed);

  // A pressed button shows at once what it is about to do; the truth follows with the answer or the stream.
  addEventListener("htmx:before:request", (event) => {
    const source = event.detail && event.detail.ctx && event.detail.ctx.sourceElement;
    const row = source && source.matches("form.buttons") && source.closest("[id]");
    const state = row && row.querySelector(".state");
    if (state) { state.classList.add("pending"); state.setAttribute("aria-busy", "true"); }
  });

  // A good message goes away by itself; a bad one stays until the next.
  let timer;
  new MutationObserver(() => {
    clearTimeout(timer);
    const undo = notice.querySelector(".note.ok form");
    if (notice.querySelector(".note.ok")) timer = setTimeout(() => notice.replaceChildren(), undo ? 5000 : 6000);
  }).observe(notice, { childList: true });

  // A pressed button may be gone after its own effect: the keyboard stays with the program.
  let focused = null;
  addEventListener("htmx:before:swap", () => {
    const form = document.activeElement.closest("form.buttons");
    focused = form ? form.closest("[id]").id : null;
  });
  const refocus = () => {
    if (!focused || document.activeElement !== document.body) return;
    const button = document.querySelector(`#${focused} form.buttons button`);
    if (button) button.focus({ preventScroll: true });
  };

  const refresh = () => { localise(); tick(); filter(); toEnd(); refocus(); };
  addEventListener("htmx:after:swap", refresh);
  addEventListener("htmx:sse:after:message", refresh);
  setInterval(tick, 1000);
  refresh();
})();
