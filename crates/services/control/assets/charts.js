// Draws the charts of a page with uPlot in place of the server's drawings, from the numbers that the board keeps, and
// keeps them up to date. Without this script the drawings and the tables stay.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure[data-metrics]")];
  const place = document.querySelector("[data-history]");
  if (!place || !figures.length || typeof uPlot === "undefined") return;
  const root = document.documentElement;
  const lang = navigator.languages.find((one) => one.split("-")[0] === root.lang) || root.lang;
  const number = (value, digits) => value.toLocaleString(lang, { maximumFractionDigits: digits });
  const bytes = (value) => {
    let unit = "B";
    for (const next of ["kB", "MB", "GB"]) {
      if (value < 1000) break;
      value /= 1000;
      unit = next;
    }
    return `${number(value, value < 10 && unit !== "B" ? 1 : 0)} ${unit}/s`;
  };
  const write = {
    percent: (value) => `${number(value, value < 10 ? 1 : 0)}%`,
    celsius: (value) => `${number(value, 1)} °C`,
    number: (value) => number(value, 2),
    rate: bytes,
  };
  const colour = (name) => {
    // The drawing is no part of the page's style: resolved here, by an element that has the colour.
    const probe = document.createElement("i");
    probe.className = `chart-${name}`;
    place.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const charts = [];

  const options = (figure, width) => {
    const unit = write[figure.dataset.unit];
    const names = figure.dataset.names.split("|");
    const grid = { stroke: colour("grid"), width: 1 };
    const axis = { stroke: colour("text"), grid, ticks: grid, font: "12px system-ui" };
    return {
      width,
      height: 190,
      cursor: { drag: { x: false, y: false } },
      legend: { live: true },
      scales: { y: { range: (_, low, high) => figure.dataset.unit === "percent" ? [0, 100]
        : figure.dataset.unit === "celsius" ? [Math.min(30, Math.floor((low ?? 35) - 5)), Math.max(60, Math.ceil((high ?? 55) + 5))]
        : [0, Math.max(figure.dataset.unit === "rate" ? 1000 : 1, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => {
          const when = new Date(tick * 1000);
          return place.dataset.history.includes("d")
            ? when.toLocaleString(lang, { day: "numeric", month: "numeric", hour: place.dataset.history === "7d" ? "2-digit" : undefined })
            : when.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit" });
        }) },
        { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => unit(tick)) },
      ],
      series: [
        { label: place.dataset.time, value: (_, at) => at === null ? "–" : new Date(at * 1000).toLocaleString(lang, { dateStyle: "short", timeStyle: "medium" }) },
        ...names.map((name, index) => ({
          label: name,
          stroke: colour(index ? "two" : "one"),
          fill: names.length === 1 ? colour("fill") : undefined,
          width: 1.75,
          dash: index ? [6, 4] : undefined,
          spanGaps: false,
          points: { show: false },
          value: (_, value) => value === null || value === undefined ? "–" : unit(value),
        })),
      ],
    };
  };

  const data = (figure, history) => {
    const lines = figure.dataset.metrics.split(" ").map((metric) => history.series[metric] || []);
    const length = Math.max(0, ...lines.map((line) => line.length));
    const times = Array.from({ length }, (_, at) => history.from + at * history.step_s);
    return [times, ...lines];
  };

  const draw = (history) => {
    charts.splice(0).forEach(({ plot }) => plot.destroy());
    for (const figure of figures) {
      const drawing = figure.querySelector(".drawing");
      const values = data(figure, history);
      if (!drawing || !values[0].length) continue;
      drawing.replaceChildren();
      charts.push({ figure, drawing, plot: new uPlot(options(figure, drawing.clientWidth), values, drawing) });
      figure.dataset.drawn = "";
    }
  };

  let history;
  const load = async () => {
    try {
      const answer = await fetch(place.dataset.source, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      history = await answer.json();
      if (charts.length) charts.forEach(({ figure, plot }) => plot.setData(data(figure, history)));
      else draw(history);
    } catch {
      // The numbers that are there stay; the next round tries again.
    }
  };
  new ResizeObserver(() => charts.forEach(({ drawing, plot }) => plot.setSize({ width: drawing.clientWidth, height: 190 }))).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => history && draw(history));
  load();
  // As often as there is something new, and never while nobody looks.
  setInterval(() => { if (!document.hidden) load(); }, place.dataset.history === "1h" ? 10000 : 60000);
})();
