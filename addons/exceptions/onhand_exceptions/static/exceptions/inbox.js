/* The desk's keys and its panel. Without this every act is a form and every exception a page of its own.
   The shell's keys.js shows the keys and switches them off. */
(function () {
  "use strict";
  var WIDE = window.matchMedia("(min-width: 75rem)");
  var panel = document.getElementById("panel");
  var dialog = document.getElementById("keys");
  var at = 0; // which row is at hand
  var opened = null; // the address of what the panel shows
  var shown = null; // the address it showed before
  var goOn = null; // what to open once an act is done

  function work() { return document.getElementById("work"); }
  function links() { return Array.from(work().querySelectorAll("a[data-open]")); }
  function boxes() { return Array.from(work().querySelectorAll("input[name='id']")); }
  function say(text) { document.getElementById("announce").textContent = text; }
  function keysOn() { return dialog.querySelector("[data-keys-toggle]").getAttribute("aria-pressed") === "true"; }

  function mark() {
    links().forEach(function (link, place) {
      if (place === at) link.setAttribute("data-current", ""); else link.removeAttribute("data-current");
    });
  }
  function goTo(place) {
    var all = links();
    if (!all.length) return;
    at = Math.max(0, Math.min(place, all.length - 1));
    mark();
    all[at].focus();
    all[at].scrollIntoView({ block: "nearest" });
  }
  function count() {
    var chosen = boxes().filter(function (box) { return box.checked; }).length;
    var told = work().querySelector("[data-selected]");
    if (told) told.textContent = chosen ? chosen + " selected" : "None selected";
    var all = work().querySelector("[data-all] input");
    if (all) { all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
  }

  /* ---- the panel ---- */
  function address(link) { // where in the list we are goes along, so that acts lead back here
    var there = new URL(link, location.href);
    var here = new URLSearchParams(location.search);
    ["tab", "q", "cursor"].forEach(function (name) { if (here.get(name)) there.searchParams.set(name, here.get(name)); });
    if (!there.searchParams.get("tab")) there.searchParams.set("tab", "review");
    return there.pathname + there.search;
  }
  function open(link) {
    opened = link.pathname;
    at = Math.max(0, links().indexOf(link));
    mark();
    panel.hidden = false;
    htmx.ajax("GET", address(link.href), { target: "#panel", select: "#detail", swap: "innerHTML" });
  }
  function close() {
    panel.hidden = true;
    panel.replaceChildren();
    opened = null;
    goTo(at);
  }

  /* ---- acts: sent in place, then on to the next ---- */
  function wire(form) {
    var inPanel = panel.contains(form);
    form.setAttribute("hx-post", form.action);
    form.setAttribute("hx-target", "#work");
    form.setAttribute("hx-select", "#work");
    form.setAttribute("hx-swap", "outerHTML");
    form.setAttribute("hx-select-oob", "#flashes");
    form.addEventListener("htmx:beforeRequest", function () {
      goOn = null;
      if (!inPanel) return;
      var all = links();
      var here = all.findIndex(function (link) { return link.pathname === opened; });
      var stays = form.hasAttribute("data-stay");
      var next = stays ? all[here] : all[here + 1] || all[here - 1];
      goOn = next ? next.pathname : null;
      at = Math.max(0, here);
    });
    htmx.process(form);
  }
  function step(form) { // an add-on's own door: show what it says, then look again
    form.setAttribute("hx-post", form.action);
    form.setAttribute("hx-target", "#flashes");
    form.setAttribute("hx-select", "#flashes");
    form.setAttribute("hx-swap", "outerHTML");
    form.addEventListener("htmx:afterRequest", refresh);
    htmx.process(form);
  }
  function refresh() {
    goOn = opened;
    htmx.ajax("GET", location.href, { target: "#work", select: "#work", swap: "outerHTML" });
  }
  function prepare(within) {
    within.querySelectorAll("form[data-swap]").forEach(wire);
    within.querySelectorAll("#next form").forEach(step);
    within.querySelectorAll("[data-all]").forEach(function (label) { label.hidden = false; });
    count();
  }

  // In the moment of the swap. When it has settled is too late: keys would meet a list whose forms are not wired yet, and
  // the focus would be taken from who was quick.
  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.target === panel) {
      prepare(panel);
      if (opened !== shown) panel.scrollTop = 0; // what is wrong comes before what to do about it
      shown = opened;
    }
    if (event.target !== work()) return;
    prepare(work());
    if (panel.hidden) { goTo(at); return; }
    var next = links().find(function (link) { return link.pathname === goOn; }) || links()[at];
    if (next) { open(next); next.focus(); } else close();
  });
  document.addEventListener("htmx:afterSettle", function (event) { // by then the shell has said how many rows there are
    var told = { panel: "h1", work: "#outcome p" }[event.target.id];
    var found = told && event.target.querySelector(told);
    if (found) say(found.textContent.trim());
  });
  document.addEventListener("htmx:afterRequest", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); });
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-open]");
    if (link && WIDE.matches && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open(link);
    }
    if (event.target.closest("[data-close]")) close();
    var send = event.target.closest(".ex-bar button[type='submit']"); // refused for want of a reason, fifty would be ticked anew
    if (send) work().querySelectorAll(".ex-bar textarea").forEach(function (text) { text.required = send.parentElement.contains(text); });
    document.querySelectorAll(".ex-menu[open]").forEach(function (menu) { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-all] input")) boxes().forEach(function (box) { box.checked = event.target.checked; });
    if (event.target.matches("input[name='id'], [data-all] input")) count();
  });
  document.addEventListener("focusin", function (event) {
    var place = links().indexOf(event.target);
    if (place >= 0) { at = place; mark(); }
  });

  /* ---- keys ---- */
  function menu(key) {
    var chosen = boxes().some(function (box) { return box.checked; });
    if (!chosen && !panel.hidden) { // the one in the panel
      var field = panel.querySelector("[data-desk-key='" + key + "']");
      if (field) { field.focus(); return; }
    }
    if (!chosen && boxes()[at]) { boxes()[at].checked = true; count(); }
    var summary = work().querySelector("summary[aria-keyshortcuts='" + key + "']");
    if (!summary) return;
    summary.parentElement.open = true;
    summary.parentElement.querySelector("select, textarea, input").focus();
  }
  document.addEventListener("keydown", function (event) {
    if (dialog.open) return;
    var typing = event.target.closest("input:not([type='checkbox']), textarea, select");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing && typing.form) {
      var send = (typing.closest(".ex-menu") || typing.form).querySelector("button[type='submit']:not([disabled])");
      if (send) { event.preventDefault(); send.click(); }
      return;
    }
    if (event.key === "Escape") {
      var shown = document.querySelector(".ex-menu[open]");
      if (shown) { shown.open = false; goTo(at); } else if (typing) goTo(at); else if (!panel.hidden) close();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
    var acts = {
      j: function () { goTo(document.activeElement.closest("a[data-open]") ? at + 1 : at); if (!panel.hidden && links()[at]) open(links()[at]); },
      k: function () { goTo(at - 1); if (!panel.hidden && links()[at]) open(links()[at]); },
      x: function () { var box = boxes()[at]; if (box) { box.checked = !box.checked; count(); } },
      X: function () { var all = work().querySelector("[data-all] input"); if (all) all.click(); },
      o: function () { if (links()[at]) links()[at].click(); },
      a: function () { menu("a"); },
      s: function () { menu("s"); },
      e: function () { menu("e"); },
      c: function () { menu("c"); },
      u: function () { var undo = document.querySelector("#outcome form button"); if (undo) undo.click(); },
      "/": function () { document.getElementById("f-q").focus(); }
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });

  prepare(work());
})();
