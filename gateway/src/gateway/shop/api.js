// The shop's client of /api/v1: one function a call, one idempotency key an intention.

const RETRIED = new Set([502, 503, 504]);
const ATTEMPTS = 8;
const SESSION = "souk-session"; // set while a refresh cookie should be there: scripts cannot see the cookie itself
let accessToken = null;

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || body.error_description || "Something went wrong");
    this.status = status;
    this.code = body.code || body.error;
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const isTransient = (status, code) => RETRIED.has(status) || code === "request_in_progress";

/** Send one request; one that may be repeated is, unchanged, while the answer is missing or says "later". */
async function send(path, options, { repeatable = false } = {}) {
  const attempts = repeatable ? ATTEMPTS : 1;
  for (let attempt = 1; ; attempt += 1) {
    let answer = null;
    try {
      answer = await fetch(path, { ...options, signal: AbortSignal.timeout(15_000) });
    } catch (error) {
      if (attempt === attempts) throw new Problem(0, { detail: "The shop cannot be reached. Please try again." });
    }
    if (answer) {
      const body = answer.status === 204 ? null : await answer.json();
      if (answer.ok) return body;
      if (attempt === attempts || !isTransient(answer.status, body.code)) throw new Problem(answer.status, body);
    }
    await pause(Math.min(250 * 2 ** attempt, 4_000) * (0.5 + Math.random() / 2));
  }
}

async function call(method, path, { body, key } = {}) {
  const headers = {};
  if (accessToken) headers.Authorization = `Bearer ${accessToken}`;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const repeatable = method === "GET" || Boolean(key);
  const request = () => send(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) }, { repeatable });
  try {
    return await request();
  } catch (problem) {
    if (problem.status !== 401 || !accessToken || !(await resume())) throw problem;
    headers.Authorization = `Bearer ${accessToken}`;
    return request();
  }
}

async function token(form) {
  const body = new URLSearchParams({ client_id: "web", ...form });
  const granted = await send("/api/v1/auth/token", { method: "POST", body });
  accessToken = granted.access_token;
  localStorage.setItem(SESSION, "open");
}

/** Continue the session of the refresh cookie, if there is one. */
export async function resume() {
  if (!localStorage.getItem(SESSION)) return false;
  try {
    await token({ grant_type: "refresh_token" });
    return true;
  } catch (problem) {
    accessToken = null;
    if (problem.code === "invalid_grant") localStorage.removeItem(SESSION);
    return false;
  }
}

export const signIn = (email, password) => token({ grant_type: "password", username: email, password });
export const register = (email, password, name) => call("POST", "/users", { body: { email, password, name } });
export const me = () => call("GET", "/users/me");

export async function signOut() {
  accessToken = null;
  localStorage.removeItem(SESSION);
  const answer = await fetch("/api/v1/auth/revoke", { method: "POST", body: new URLSearchParams({ client_id: "web" }) });
  if (!answer.ok) throw new Problem(answer.status, await answer.json());
}

export async function products() {
  const all = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = await call("GET", `/products?limit=100${cursor && `&cursor=${cursor}`}`);
    all.push(...page.data);
    cursor = page.next_cursor;
  }
  return all;
}

export const orders = async () => (await call("GET", "/orders?limit=10")).data;
export const order = (id) => call("GET", `/orders/${id}`);
export const placeOrder = (items, key) => call("POST", "/orders", { body: { items }, key });
export const pay = (orderId, paymentMethod, key) =>
  call("POST", "/payments", { body: { order_id: orderId, payment_method: paymentMethod }, key });
export const cancel = (id, key) => call("POST", `/orders/${id}/cancel`, { key });
