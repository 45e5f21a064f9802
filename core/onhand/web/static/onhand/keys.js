/* Lists worked by keyboard. j and k move between the lines of what carries `data-keys`, x ticks the line's box, a button
   with `data-key` is pressed by its key, ? shows the keys. A key for many lines ticks the line at hand when none is
   ticked; a button with `data-needs` waits for that field. Nothing here is the only way to do a thing. */
(function () {
  "use strict";
  var OFF = "onhand.keys";

  function isOff() {
    try {
      return localStorage.getItem(OFF) === "off";
    } catch (refused) {
      return false;
    }
  }

  function lines() {
    return Array.from(document.querySelectorAll("[data-keys] tbody tr"));
  }

  function atHand() {
    return document.activeElement && document.activeElement.closest("[data-keys] tbody tr");
  }

  function go(step) {
    var all = lines();
    var here = all.indexOf(atHand());
    var next = here < 0 ? 0 : Math.min(Math.max(here + step, 0), all.length - 1);
    var link = all[next].querySelector("a");
    if (link) link.focus();
  }

  function box(line) {
    return line && line.querySelector("input[type=checkbox]:not(:disabled)");
  }

  function tick() {
    var found = box(atHand());
    if (found) found.click();
  }

  function press(button) {
    var list = button.form && button.form.hasAttribute("data-keys") ? button.form : null;
    if (list && !list.querySelector("tbody input:checked")) {
      var found = box(atHand());
      if (found) found.click();
    }
    var needs = button.getAttribute("data-needs");
    var field = needs && button.form && button.form.elements[needs];
    if (field && !field.value.trim()) field.focus();
    else button.click();
  }

  function toggle(dialog) {
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  function showState() {
    document.querySelectorAll("[data-keys-toggle]").forEach(function (button) {
      button.setAttribute("aria-pressed", isOff() ? "false" : "true");
      button.textContent = isOff() ? "Keys are off" : "Keys are on";
    });
  }

  document.addEventListener("DOMContentLoaded", showState);

  document.addEventListener("click", function (event) {
    var dialog = document.getElementById("keys");
    if (dialog && event.target.closest("[data-keys-show]")) toggle(dialog);
    if (event.target.closest("[data-keys-toggle]")) {
      try {
        localStorage.setItem(OFF, isOff() ? "on" : "off");
      } catch (refused) {
        /* storage is switched off: the keys stay on */
      }
      showState();
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isOff()) return;
    if (event.target.closest && event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    var dialog = document.getElementById("keys");
    var button = /^[a-z]$/.test(event.key) && document.querySelector('button[data-key="' + event.key + '"]');
    if (event.key === "?" && dialog) toggle(dialog);
    else if (dialog && dialog.open) return;
    else if (event.key === "j" && lines().length) go(1);
    else if (event.key === "k" && lines().length) go(-1);
    else if (event.key === "x" && lines().length) tick();
    else if (button) press(button);
    else return;
    event.preventDefault();
  });
})();
