/* The few lines of behaviour that pages share. Everything works without them, less comfortably.
   Loaded in <head> without defer: the theme must be set before the first paint. */
(function () {
  "use strict";
  var root = document.documentElement;
  var KEY = "onhand.theme";
  var NEXT = { auto: "light", light: "dark", dark: "auto" };
  var NAMES = { auto: "as the system", light: "light", dark: "dark" };

  function stored() {
    try {
      var theme = localStorage.getItem(KEY);
      return theme === "light" || theme === "dark" ? theme : "auto";
    } catch (refused) {
      return "auto"; // storage may be switched off; the system's preference still holds
    }
  }

  function show(theme) {
    if (theme === "auto") root.removeAttribute("data-bs-theme");
    else root.setAttribute("data-bs-theme", theme);
    var button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    button.setAttribute("aria-label", "Theme: " + NAMES[theme]);
    button.querySelectorAll("[data-theme-icon]").forEach(function (icon) {
      icon.hidden = icon.getAttribute("data-theme-icon") !== theme;
    });
  }

  root.classList.add("oh-script");
  show(stored());

  function announce(text) {
    var place = document.getElementById("announce");
    if (place) place.textContent = text;
  }

  function letScrollByKeyboard(within) {
    within.querySelectorAll(".oh-table-wrap").forEach(function (wrap) {
      if (wrap.scrollWidth > wrap.clientWidth || wrap.scrollHeight > wrap.clientHeight) wrap.tabIndex = 0;
    });
  }

  function bringIntoView(tab) { // within its strip, which on a phone is wider than the page
    var strip = tab.closest(".oh-tabs");
    var there = tab.getBoundingClientRect(), here = strip.getBoundingClientRect();
    if (there.left < here.left || there.right > here.right) strip.scrollLeft += there.left - here.left - (here.width - there.width) / 2;
  }

  document.addEventListener("DOMContentLoaded", function () {
    show(stored());
    letScrollByKeyboard(document);
    document.querySelectorAll(".oh-tabs a[aria-current]").forEach(bringIntoView);
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-theme-toggle]")) {
      var theme = NEXT[stored()];
      try {
        localStorage.setItem(KEY, theme);
      } catch (refused) {
        /* the choice lasts for this page only */
      }
      show(theme);
      announce("Theme " + NAMES[theme]);
    }
    document.querySelectorAll(".oh-top details[open]").forEach(function (open) {
      if (!open.contains(event.target)) open.open = false;
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".oh-top details[open]").forEach(function (open) {
      open.open = false;
      open.querySelector("summary").focus();
    });
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.submit();
  });

  // One press, one request: a second press while the first is on its way does nothing.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-sent")) event.preventDefault();
    form.setAttribute("data-sent", "");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      form.removeAttribute("data-sent");
    });
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    letScrollByKeyboard(document);
    var rows = event.target.querySelectorAll ? event.target.querySelectorAll("tbody tr").length : 0;
    announce(rows === 1 ? "1 row shown" : rows + " rows shown");
  });
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status === 401) location.reload();
    else announce("The list could not be refreshed. Try again.");
  });
  document.addEventListener("htmx:sendError", function () {
    announce("No connection. The list is as it was.");
  });
})();
