// Asks for the order's state every ten seconds and shows it. All texts come in through textContent.
"use strict";

const at = (id) => document.getElementById(id);
const clock = (zone, iso, more) =>
  new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", timeZone: zone || undefined, ...more })
    .format(new Date(iso));
const day = { day: "numeric", month: "short" };

const PAST = {
  on_the_way: "The courier set out", arrived: "The courier arrived", visited: "The courier was with you",
  finished: "Delivered", partially_finished: "Delivered in part", cancelled: "Cancelled",
  postponed: "Postponed", confirmed: "Confirmed", new: "Reopened",
};

function headline(order) {
  switch (order.status) {
    case "finished": return ["Delivered", "Your order was handed over."];
    case "partially_finished": return ["Delivered in part", "Ask the sender about the rest."];
    case "cancelled": return ["Cancelled", "This order will not be delivered."];
    case "postponed": return ["Postponed", "The courier could not deliver. The sender will be in touch."];
  }
  if (order.is_there) return ["The courier is here", "At your door, or about to be."];
  if (order.estimated_delivery_time) {
    const minutes = Math.ceil(order.minutes_left / 5) * 5;
    const near = order.minutes_left <= 30;
    const about = near ? `In about ${minutes} minutes` : `Around ${clock(order.time_zone, order.estimated_delivery_time)}`;
    const before = order.orders_before;
    const queue = before === 0 ? "You are next." : before ? `${before} ${before === 1 ? "stop" : "stops"} before yours.` : "";
    return [about, queue];
  }
  if (order.shift_start) return ["On its way", "The time of arrival is being worked out."];
  return ["In preparation", "You will see the courier here once the tour has begun."];
}

function steps(order) {
  const done = order.status === "finished" || order.status === "partially_finished";
  const off = order.status === "cancelled" || order.status === "postponed";
  const near = order.is_there || (order.minutes_left !== null && order.minutes_left <= 30);
  const reached = done ? 4 : near ? 2 : order.shift_start ? 1 : 0;
  const list = at("steps");
  list.className = off ? "steps off" : "steps";
  list.replaceChildren(...["Prepared", "On the way", "Near you", "Delivered"].map((name, place) => {
    const item = document.createElement("li");
    item.textContent = name;
    item.className = place < reached ? "done" : place === reached ? "now" : "";
    if (place === reached) item.setAttribute("aria-current", "step");
    return item;
  }));
}

// Metres between two places, on a sphere: good enough for a picture.
function metres([lat1, lon1], [lat2, lon2]) {
  const rad = Math.PI / 180;
  const x = (lon2 - lon1) * rad * Math.cos(((lat1 + lat2) / 2) * rad);
  return 6371000 * Math.hypot(x, (lat2 - lat1) * rad);
}

function scene(order) {
  const shown = Boolean(order.courier && order.door);
  for (const part of ["scene", "distance"]) at(part).toggleAttribute("hidden", !shown);
  if (!shown) return;
  const away = metres(order.courier.place, order.door);
  // The road is not to scale: near is shown larger than far.
  const share = order.is_there ? 1 : 1 / (1 + away / 2000);
  const x = 40 + share * 505;
  at("van").setAttribute("transform", `translate(${x} 105)`);
  at("done").setAttribute("d", `M40 105 H${x}`);
  const text = away < 250 ? "very near" : away < 950 ? `about ${Math.round(away / 100) * 100} m away` : `about ${(away / 1000).toFixed(away < 9500 ? 1 : 0)} km away`;
  at("distance").textContent = text[0].toUpperCase() + text.slice(1);
  at("scene").setAttribute("aria-label", `The courier is ${text}`);
}

function facts(order) {
  const window = order.time_window
    ? `${clock(order.time_zone, order.time_window.start, day)} to ${clock(order.time_zone, order.time_window.end)}`
    : order.time_interval;
  const rows = [["Order", order.number], ["For", order.customer_name], ["Address", order.address], ["Agreed time", window],
    ["Tour began", order.shift_start && clock(order.time_zone, order.shift_start)]];
  at("facts").replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, text.textContent] = [name, value];
    return [term, text];
  }));
}

function history(order) {
  at("past").hidden = order.history.length === 0;
  at("history").replaceChildren(...order.history.map(({ event, time }) => {
    const [item, what, when] = ["li", "span", "time"].map((name) => document.createElement(name));
    what.textContent = PAST[event] || event;
    when.textContent = clock(order.time_zone, time, day);
    when.dateTime = time;
    item.append(what, when);
    return item;
  }));
}

function show(order) {
  const [title, detail] = headline(order);
  at("company").textContent = order.company || "";
  at("headline").textContent = document.title = title;
  at("detail").textContent = detail;
  steps(order);
  scene(order);
  facts(order);
  history(order);
  at("seen").textContent = `As of ${clock(order.time_zone, order.now)}`;
}

async function follow() {
  try {
    const answer = await fetch(`${location.pathname.replace(/\/$/, "")}/state`, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
  } catch {
    at("seen").textContent = "No connection at the moment. Trying again.";
  }
  setTimeout(follow, 10000);
}

follow();
