// The behaviour of one comparison. `root` is its element; nothing outside of it is touched.
if (!root.dataset.ready) {
  root.dataset.ready = "yes";
  const MOST = 16, STEP = 1.5, NEAR = 22;  // the greatest zoom, one step of it, pixels around the line
  const BLINK = 400;  // milliseconds a picture; more than three flashes a second can harm (WCAG 2.3.1)
  const find = name => root.querySelector(name);
  const list = name => [...root.querySelectorAll(name)];
  const stage = find(".stage"), line = find(".line"), gain = find(".gain"), strip = find(".strip");
  const figures = list("figure"), fingers = new Map();
  const names = list(".right button").map(chip => chip.textContent);
  const view = {
    at: 50, zoom: 1, x: 0, y: 0,  // the line, in per cent; the corner of what is seen, 0 to 1
    left: 0, right: 1, moment: 0,  // numbers of the candidates and of the moment
    alone: null,  // "left" or "right" while one of the two covers everything
    difference: false,
  };
  let blinking = 0, pans = false;

  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const figure = side => figures.find(
    one => +one.dataset.moment === view.moment && +one.dataset.side === view[side]);
  const caption = side => figure(side).querySelector("figcaption").textContent;
  const factor = () => 2 ** (gain ? +gain.value : 0);
  const press = (button, on) => button.setAttribute("aria-pressed", on);
  const say = (name, text) => { find(name).textContent = text; };

  // What is seen follows from `view`.
  const draw = () => {
    drawPlace();
    drawPictures();
    drawControls();
  };
  const drawPlace = () => {
    view.x = within(view.x, 0, 1 - 1 / view.zoom);
    view.y = within(view.y, 0, 1 - 1 / view.zoom);
    const set = (name, value) => stage.style.setProperty(name, value);
    set("--at", {left: "100%", right: "0%"}[view.alone] ?? view.at + "%");
    set("--zoom", view.zoom);
    set("--x", -view.x * view.zoom * 100 + "%");
    set("--y", -view.y * view.zoom * 100 + "%");
    set("--gain", factor());
  };
  const drawPictures = () => {
    const shown = {left: figure("left"), right: figure("right")};
    for (const one of figures) {
      one.classList.toggle("left", one === shown.left);
      one.classList.toggle("right", one === shown.right);
    }
    stage.classList.toggle("zoomed", view.zoom > 1);
    stage.classList.toggle("difference", view.difference && !view.alone);
    stage.classList.toggle("alone", view.alone !== null);
    shown.left.classList.toggle("hushed", view.alone === "right");
    shown.right.classList.toggle("hushed", view.alone === "left");
    say(".told", `difference x${factor()}: ${names[view.left]} | ${names[view.right]}`);
  };
  const drawControls = () => {
    line.value = view.at;
    line.setAttribute("aria-valuetext", `${Math.round(view.at)} % ${names[view.left]}`);
    line.setAttribute("aria-label", `${names[view.left]} | ${names[view.right]}`);
    say("output", Math.round(view.zoom * 100) + " %");
    for (const side of ["left", "right"]) {
      list(`.${side} button`).forEach((chip, n) => press(chip, n === view[side]));
    }
    press(find(".subtract"), view.difference);
    find(".gains").hidden = !view.difference;
    if (!strip) return;
    const range = strip.querySelector("input"), cells = list(".strip span");
    range.value = view.moment;
    range.setAttribute("aria-valuetext", cells[view.moment].textContent);
    cells.forEach((cell, n) => cell.classList.toggle("on", n === view.moment));
  };

  // What can be done.
  const place = (event, element) => {
    const box = element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const slide = event => { view.at = within(place(event, stage)[0] * 100, 0, 100); draw(); };
  const zoomBy = (times, [left, top] = [0.5, 0.5]) => {
    const wanted = within(view.zoom * times, 1, MOST);
    view.x += left / view.zoom - left / wanted;  // what is under the pointer stays there
    view.y += top / view.zoom - top / wanted;
    view.zoom = wanted;
    draw();
  };
  const panBy = (right, down) => {
    view.x -= right / stage.clientWidth / view.zoom;
    view.y -= down / stage.clientHeight / view.zoom;
    draw();
  };
  const reset = () => { view.at = 50; view.zoom = 1; view.difference = false; draw(); };
  const swap = () => { [view.left, view.right] = [view.right, view.left]; draw(); };
  const subtract = () => { view.difference = !view.difference; draw(); };
  const choose = (side, number) => {
    if (number >= names.length) return;
    const other = side === "left" ? "right" : "left";
    if (view[other] === number) view[other] = view[side];  // the two change places
    view[side] = number;
    draw();
  };
  const goTo = moment => {
    const last = figures[figures.length - 1].dataset.moment;
    view.moment = within(moment, 0, +last);
    draw();
  };
  const blink = () => {
    if (!root.isConnected) return stopBlinking();
    view.alone = view.alone === "right" ? "left" : "right";
    draw();
  };
  const startBlinking = () => {
    if (view.alone) return;
    view.alone = view.at < 50 ? "right" : "left";  // the one that is seen most; now the other
    blink();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!calm) blinking = setInterval(blink, BLINK);
  };
  const stopBlinking = () => {
    clearInterval(blinking);
    if (view.alone) { view.alone = null; draw(); }
  };

  // A picture of what is seen, to keep.
  const paint = (pen, side, wide, high) => {
    const image = figure(side).querySelector("img");
    const width = image.naturalWidth, height = image.naturalHeight;
    pen.drawImage(image, view.x * width, view.y * height, width / view.zoom, height / view.zoom,
      0, 0, wide, high);
  };
  const paintDifference = (pen, wide, high) => {
    pen.globalCompositeOperation = "difference";
    paint(pen, "right", wide, high);
    pen.globalCompositeOperation = "lighter";  // the picture on itself is twice as light
    for (let times = factor(); times > 1; times /= 2) pen.drawImage(pen.canvas, 0, 0);
    pen.globalCompositeOperation = "source-over";
  };
  const paintHalves = (pen, wide, high) => {
    const at = view.at / 100 * wide;
    pen.save();
    pen.beginPath();
    pen.rect(at, 0, wide, high);
    pen.clip();
    paint(pen, "right", wide, high);
    pen.restore();
    pen.fillStyle = "#fff";
    pen.fillRect(at - 1, 0, 2, high);
  };
  const paintWords = (pen, wide, high) => {
    const half = wide / 2 - 12;
    pen.fillStyle = "#181818";
    pen.fillRect(0, high, wide, 28);
    pen.fillStyle = "#eee";
    pen.font = "14px sans-serif";
    pen.textBaseline = "middle";
    if (view.difference) return pen.fillText(find(".told").textContent, 6, high + 14, wide - 12);
    pen.fillText(caption("left"), 6, high + 14, half);
    pen.textAlign = "right";
    pen.fillText(caption("right"), wide - 6, high + 14, half);
  };
  const makePicture = () => {
    const image = figure("left").querySelector("img"), canvas = document.createElement("canvas");
    const wide = canvas.width = image.naturalWidth, high = image.naturalHeight;
    canvas.height = high + 28;
    const pen = canvas.getContext("2d");
    paint(pen, "left", wide, high);
    (view.difference ? paintDifference : paintHalves)(pen, wide, high);
    paintWords(pen, wide, high);
    return canvas;
  };
  const save = () => makePicture().toBlob(data => {
    const link = document.createElement("a");
    const title = `${names[view.left]}_${names[view.right]}`.replace(/[^\p{L}\p{N}.-]+/gu, "_");
    link.href = window.URL.createObjectURL(data);  // in a handler, URL alone is the document's
    link.download = title.slice(0, 60) + ".png";
    root.append(link);  // VS Code sees only clicks on what is in the page
    link.click();
    link.remove();
    setTimeout(() => window.URL.revokeObjectURL(link.href), 60000);
  });

  // Mouse and fingers.
  stage.addEventListener("pointerdown", event => {
    if (event.button) return;
    event.preventDefault();  // no picture is dragged away
    line.focus({preventScroll: true});  // so that the keys work from now on
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    const far = Math.abs(place(event, stage)[0] - view.at / 100) * stage.clientWidth;
    pans = view.zoom > 1 && (far > NEAR || view.difference);
    if (!pans && fingers.size === 1) slide(event);
  });
  stage.addEventListener("pointermove", event => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const other = [...fingers.values()].find(one => one.pointerId !== event.pointerId);
    const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (other) {
      zoomBy(apart(event) / Math.max(apart(last), 1), place(event, stage));
    } else if (pans) {
      panBy(event.clientX - last.clientX, event.clientY - last.clientY);
    } else {
      slide(event);
    }
    fingers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, event => fingers.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", reset);
  stage.addEventListener("wheel", event => {
    // A page that is scrolled past must not stop at every picture: only one in use zooms.
    const used = event.ctrlKey || event.metaKey || document.activeElement === line;
    if (!used || (view.zoom === 1 && event.deltaY > 0)) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, place(event, stage));
  }, {passive: false});

  // Keys.
  const keys = {
    "+": () => zoomBy(STEP), "=": () => zoomBy(STEP), "-": () => zoomBy(1 / STEP), "0": reset,
    "f": startBlinking, "d": subtract, "s": save, "x": swap,
    ",": () => goTo(view.moment - 1), ".": () => goTo(view.moment + 1),
  };
  const pressNumber = event => {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (digit) choose(event.shiftKey ? "left" : "right", digit[1] - 1);
    return digit;
  };
  root.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key.toLowerCase()];
    if (pressNumber(event)) event.preventDefault();
    else if (act) {
      event.preventDefault();
      if (!event.repeat || "+=-,.".includes(event.key)) act();
    }
    if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
  });
  root.addEventListener("keyup", event => { if (event.key.toLowerCase() === "f") stopBlinking(); });
  root.addEventListener("focusout", event => {
    if (!root.contains(event.relatedTarget)) stopBlinking();
  });

  // Controls.
  const click = (name, act) => find(name).addEventListener("click", act);
  const hold = find(".blink");
  hold.addEventListener("pointerdown", event => {
    hold.setPointerCapture(event.pointerId);
    startBlinking();
  });
  hold.addEventListener("mousedown", event => event.preventDefault());  // the focus stays
  for (const name of ["pointerup", "pointercancel", "keyup"]) {
    hold.addEventListener(name, stopBlinking);
  }
  hold.addEventListener("keydown", event => {
    if (event.key === " " || event.key === "Enter") startBlinking();
  });
  hold.addEventListener("contextmenu", event => event.preventDefault());  // after a long touch
  for (const side of ["left", "right"]) {
    list(`.${side} button`).forEach(
      (chip, number) => chip.addEventListener("click", () => choose(side, number)));
  }
  click(".larger", () => zoomBy(STEP));
  click(".smaller", () => zoomBy(1 / STEP));
  click(".whole", reset);
  click(".subtract", subtract);
  click(".swap", swap);
  click(".save", save);
  line.addEventListener("input", () => { view.at = +line.value; draw(); });
  gain.addEventListener("input", draw);
  if (strip) {
    const range = strip.querySelector("input"), cells = list(".strip span");
    const scrub = event => goTo(Math.floor(place(event, strip)[0] * cells.length));
    strip.addEventListener("pointerdown", event => {
      event.preventDefault();
      range.focus({preventScroll: true});
      strip.setPointerCapture(event.pointerId);
      scrub(event);
    });
    strip.addEventListener("pointermove", event => {
      if (strip.hasPointerCapture(event.pointerId)) scrub(event);
    });
    range.addEventListener("input", () => goTo(+range.value));
    cells.forEach((cell, number) => {
      // The small picture is the large one, so that it costs no bytes.
      const large = figures.find(one => +one.dataset.moment === number && one.dataset.side === "1");
      cell.querySelector("img").src = large.querySelector("img").src;
    });
  }
  for (const one of list("figure img")) one.decode().catch(() => {});  // so that none appears late
  find(".controls").hidden = false;
  draw();
}
