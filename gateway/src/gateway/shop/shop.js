// The storefront: what is on the page, and what happens when it is touched.

import * as api from "./api.js";

const PRODUCTS_SHOWN = 60;
const SETTLED = new Set(["PAID", "FULFILLED", "CANCELLED", "EXPIRED", "REFUNDED"]);
const element = (id) => document.getElementById(id);
const shop = { products: [], category: null, basket: new Map(), user: null, attempt: null };

const money = (amount, currency) => new Intl.NumberFormat(undefined, { style: "currency", currency }).format(amount / 100);
const say = (text) => { element("message").textContent = text; };

function node(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function tally(found) {
  if (!found) return "Nothing of that kind today.";
  return found > PRODUCTS_SHOWN ? `${PRODUCTS_SHOWN} of ${found} shown: search, or choose a category.` : `${found} found.`;
}

function showProducts() {
  const wanted = element("search").value.trim().toLowerCase();
  const found = shop.products.filter((product) =>
    (!shop.category || product.category === shop.category) &&
    `${product.name} ${product.description}`.toLowerCase().includes(wanted));
  element("found").textContent = tally(found.length);
  element("products").replaceChildren(...found.slice(0, PRODUCTS_SHOWN).map((product) => node("li", {},
    node("strong", { textContent: product.name }),
    node("p", { textContent: product.description }),
    node("footer", {},
      node("span", { className: "price", textContent: money(product.price, product.currency) }),
      node("button", {
        textContent: product.stock ? "Add" : "Sold out", disabled: !product.stock,
        onclick: () => changeBasket(product, 1),
      })))));
}

function showCategories() {
  const names = [...new Set(shop.products.map((product) => product.category).filter(Boolean))].sort();
  const choice = (name, label) => node("button", {
    textContent: label, ariaPressed: String(shop.category === name),
    onclick: () => { shop.category = name; showCategories(); showProducts(); },
  });
  element("categories").replaceChildren(choice(null, "All"), ...names.map((name) => choice(name, name)));
}

function changeBasket(product, by) {
  const quantity = (shop.basket.get(product.sku)?.quantity ?? 0) + by;
  if (quantity > 0) shop.basket.set(product.sku, { product, quantity });
  else shop.basket.delete(product.sku);
  shop.attempt = null;
  showBasket();
}

function showBasket() {
  const lines = [...shop.basket.values()];
  element("basket-empty").hidden = lines.length > 0;
  element("checkout").hidden = lines.length === 0;
  if (lines.length) {
    const total = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
    element("total").textContent = money(total, lines[0].product.currency);
  }
  element("basket").replaceChildren(...lines.map(({ product, quantity }) => node("li", {},
    node("span", { textContent: `${quantity} × ${product.name}` }),
    node("button", { textContent: "−", ariaLabel: `One ${product.name} less`, onclick: () => changeBasket(product, -1) }))));
}

async function showOrders() {
  element("orders-section").hidden = !shop.user;
  if (!shop.user) return;
  const orders = await api.orders();
  element("orders").replaceChildren(...orders.map((order) => node("li", {},
    node("span", { textContent: `${money(order.total, order.currency)}, ${new Date(order.created_at).toLocaleTimeString()}` }),
    node("span", { className: `status ${order.status}`, textContent: order.status }),
    ...(["PENDING", "PAID"].includes(order.status)
      ? [node("button", { textContent: "Cancel", onclick: () => attempt(() => cancel(order)) })] : []))));
}

async function cancel(order) {
  await api.cancel(order.id, crypto.randomUUID());
  say("Cancelled.");
  await showOrders();
}

/** One intention to buy keeps its keys, so that pressing the button again never buys twice. */
async function buy() {
  if (!shop.user) { element("account").showModal(); return; }
  shop.attempt ??= { orderKey: crypto.randomUUID() };
  const items = [...shop.basket.values()].map(({ product, quantity }) => ({ sku: product.sku, quantity }));
  shop.attempt.order ??= await api.placeOrder(items, shop.attempt.orderKey);
  const method = element("payment-method").value;
  if (shop.attempt.method !== method) Object.assign(shop.attempt, { method, paymentKey: crypto.randomUUID() });
  say("Paying…");
  const payment = await api.pay(shop.attempt.order.id, method, shop.attempt.paymentKey);
  say(payment.status === "succeeded" ? "Paid. Thank you!" : "The bank is still thinking; this page will tell.");
  const { order } = shop.attempt;
  shop.attempt = null;
  shop.basket.clear();
  showBasket();
  await settle(order.id);
}

async function settle(orderId) {
  for (let tries = 0; tries < 60; tries += 1) {
    const order = await api.order(orderId);
    if (SETTLED.has(order.status)) {
      say(order.status === "PAID" ? "Paid. Thank you!" : `The order is ${order.status.toLowerCase()}.`);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await showOrders();
}

async function attempt(action) {
  element("buy").disabled = true;
  try {
    await action();
  } catch (problem) {
    say(problem.message);
    if (problem.status === 402) await showOrders();
  } finally {
    element("buy").disabled = false;
  }
}

async function welcome() {
  shop.user = await api.me();
  element("who").textContent = shop.user.name;
  element("sign-in").hidden = true;
  element("sign-out").hidden = false;
  await showOrders();
}

async function submitAccount(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const [email, password, name] = ["email", "password", "name"].map((field) => form.get(field));
  try {
    if (event.submitter?.value === "register") await api.register(email, password, name || email.split("@")[0]);
    await api.signIn(email, password);
    await welcome();
    element("account").close();
    element("account-error").textContent = "";
  } catch (problem) {
    element("account-error").textContent = problem.message;
  }
}

async function signOut() {
  await api.signOut();
  window.location.reload();
}

async function start() {
  element("search").oninput = showProducts;
  element("sign-in").onclick = () => element("account").showModal();
  element("account-close").onclick = () => element("account").close();
  element("sign-out").onclick = () => attempt(signOut);
  element("account-form").onsubmit = submitAccount;
  element("checkout").onsubmit = (event) => { event.preventDefault(); attempt(buy); };
  shop.products = await api.products();
  showCategories();
  showProducts();
  if (await api.resume()) await welcome();
}

attempt(start);
