
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const named = (id) => document.getElementById(id);
  for (const part of all(".script")) part.hidden = false;

  // Light and dark
  const theme = named("theme");
  const dims = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dims.matches);
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("aliascheck-theme", value);
      return localStorage.getItem("aliascheck-theme");
    } catch {
      return null; // a page opened from disk may have no storage
    }
  };
  const chosen = remembered();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remembered(root.dataset.theme);
    label();
  });
  dims.addEventListener("change", label);
  label();

  // Only what scrolls needs to be reached by keyboard. Parts are measured as they come near the window, all of
  // them before any is changed: each change would have the page laid out anew for the next measurement.
  const near = new Set();
  const reach = (parts) => {
    const wide = parts.map((part) => part.scrollWidth > part.clientWidth);
    parts.forEach((part, number) => {
      if (wide[number]) {
        const told = part.querySelector("caption, title");
        part.tabIndex = 0;
        part.setAttribute("role", "group");
        if (told) part.setAttribute("aria-label", told.textContent);
      } else if (part !== document.activeElement) {
        for (const name of ["tabindex", "role", "aria-label"]) part.removeAttribute(name);
      }
    });
  };
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) near[isIntersecting ? "add" : "delete"](target);
    reach(entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target));
  }, { rootMargin: "100% 0%" });
  for (const part of all(".scroll")) watch.observe(part);
  addEventListener("resize", () => reach([...near]));

  // Anchors unfold what they name, and show the title above it where both have room. By margins, since the browser
  // scrolls there by itself as well.
  const keepTitle = (target) => {
    const above = target.getBoundingClientRect().top - target.closest(".audit").getBoundingClientRect().top;
    target.style.scrollMarginTop = above < innerHeight / 2 ? `${above + 8}px` : "";
    root.style.scrollPaddingTop = getComputedStyle(form).position === "sticky" ? `${form.offsetHeight}px` : "";
  };
  const follow = () => {
    let name = location.hash.slice(1);
    try {
      name = decodeURIComponent(name);
    } catch {
      // not an escaped name: taken as it is
    }
    const target = name && named(name);
    if (!target || !target.classList.contains("result")) return;
    if (target.closest("[hidden]")) reset();
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    keepTitle(target);
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  };

  // The filter
  const form = named("filter");
  const audits = all("details.audit").map((audit) => ({
    audit,
    results: all(".result", audit),
    file: audit.closest(".file"),
    text: null,
  }));
  const files = all(".file");
  const textOf = (one) => {
    one.text ??= (one.file.querySelector("h2").textContent + " " + one.audit.textContent).toLowerCase();
    return one.text;
  };
  const apply = () => {
    const asked = new FormData(form);
    const states = new Set(asked.getAll("state"));
    const code = asked.get("code");
    const engine = asked.get("engine");
    const words = asked.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const isAsked = ({ dataset }) =>
      states.has(dataset.state) &&
      (!code || dataset.codes.split(" ").includes(code)) &&
      (!engine || dataset.engine === engine);
    const isToldOf = (file) => {
      const text = file.textContent.toLowerCase();
      return states.has(file.dataset.state) && words.every((word) => text.includes(word));
    };
    let shown = 0;
    for (const one of audits) {
      for (const result of one.results) result.hidden = !isAsked(result);
      one.audit.hidden =
        one.results.every((result) => result.hidden) || !words.every((word) => textOf(one).includes(word));
      shown += !one.audit.hidden;
    }
    for (const file of files) {
      const own = all("details.audit", file);
      file.hidden = own.length ? own.every((audit) => audit.hidden) : code || engine || !isToldOf(file);
    }
    named("nothing").hidden = shown > 0 || !files.length || files.some((file) => !file.hidden);
    const total = audits.length === 1 ? "1 audit" : `${audits.length} audits`;
    named("shown").textContent = shown === audits.length ? total : `${shown} of ${total}`;
  };
  const reset = () => {
    form.reset();
    apply();
  };
  let waiting;
  for (const change of ["input", "change"]) {
    form.addEventListener(change, (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, event.target.name === "text" ? 120 : 0);
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  const fold = (open) => {
    for (const { audit } of audits) if (!audit.hidden) audit.open = open;
  };
  named("unfold").addEventListener("click", () => fold(true));
  named("fold").addEventListener("click", () => fold(false));

  // Paper has no folds
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  apply();
  addEventListener("hashchange", follow);
  follow();
})();
