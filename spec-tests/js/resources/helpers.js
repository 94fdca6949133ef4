'use strict';

// What tests of Background Fetch share.

let made = 0;

// A name that nothing else has.
const unique = () => `${Math.random().toString(36).slice(2)}-${++made}`;

const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// The URL of a body of digits, with what ../README.md says that the server can do with it.
function bytes(options = {}, origin = location.origin) {
  return `${origin}/handlers/bytes?${new URLSearchParams({key: unique(), ...options})}`;
}

const keyOf = url => new URL(url, location).searchParams.get('key');

// Lets go of what `hold` holds.
const release = url => fetch(`/handlers/release?key=${keyOf(url)}`);

// The requests that the server saw for a URL: method and headers.
const seen = async url => (await fetch(`/handlers/seen?key=${keyOf(url)}`)).json();

// Resolves when the server got a request for a URL.
async function requested(url) {
  while (!(await seen(url)).length) await wait(5);
}

// What the server saw of the connection of a URL: the bytes that it sent, and whether it was cut.
const connection = async url => (await fetch(`/handlers/connection?key=${keyOf(url)}`)).json();

// Resolves when the server sees that the connection of a URL is closed before its end.
async function cut(url) {
  while (!(await connection(url)).cut) await wait(5);
}

// Another origin: the same server.
const elsewhere = () => location.origin.replace('localhost', '127.0.0.1');

// The URL of the worker with these handlers; null for one that does not listen.
function workerUrl(handlers = {}) {
  const sources = Object.entries(handlers).map(([type, handler]) => [type, handler && handler.toString()]);
  return `/resources/worker.js?${encodeURIComponent(JSON.stringify(Object.fromEntries(sources)))}`;
}

function activated(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state === 'activated') return Promise.resolve();
  return new Promise((resolve, reject) => {
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve();
      if (worker.state === 'redundant') reject(new Error('the worker is redundant'));
    });
  });
}

// Registers a worker of the test's own. Its handlers are functions of the test that run in the worker, where they see
// nothing of the test; what they return, or throw, is in `value` and `error` of what event() resolves with.
async function worker(t, handlers = {}) {
  const registration = await navigator.serviceWorker.register(workerUrl(handlers), {scope: `/scopes/${unique()}/`});
  t.add_cleanup(() => registration.unregister());
  const told = [];
  const waiting = [];
  navigator.serviceWorker.addEventListener('message', ({data}) => {
    if (data.scope !== registration.scope) return;
    if (waiting.length) waiting.shift()(data);
    else told.push(data);
  });
  navigator.serviceWorker.startMessages();
  await activated(registration);
  return {
    registration,
    manager: registration.backgroundFetch,
    // The next event that the worker got.
    event: () => told.length ? Promise.resolve(told.shift()) : new Promise(resolve => waiting.push(resolve)),
    // The events that nobody asked for.
    told,
  };
}

// Runs a function in a worker.
async function inWorker(registration, run, ...values) {
  const {port1, port2} = new MessageChannel();
  const answer = new Promise(resolve => port1.onmessage = ({data}) => resolve(data));
  registration.active.postMessage({source: run.toString(), values}, [port2]);
  const {value, error} = await answer;
  if (error) throw Object.assign(new Error(error.message), {name: error.name});
  return value;
}

// Resolves when a condition holds that progress events tell of.
function until(registration, condition) {
  if (condition(registration)) return Promise.resolve();
  return new Promise(resolve => registration.addEventListener('progress', function look() {
    if (!condition(registration)) return;
    registration.removeEventListener('progress', look);
    resolve();
  }));
}

const finished = registration => until(registration, ({result}) => result !== '');

// No event tells when the records are gone.
async function gone(registration) {
  while (registration.recordsAvailable) await wait(5);
}

// The name of what a promise is rejected with; 'fulfilled' where it is not.
const outcome = promise => promise.then(() => 'fulfilled', error => error.name);

const pending = Symbol('pending');

// Asserts that a promise is not settled for a while.
async function assert_pending(promise, message) {
  const first = await Promise.race([promise.then(() => 'fulfilled', error => error), wait(100).then(() => pending)]);
  assert_equals(first, pending, message);
}

// What the user does.
const user = {
  click: id => bgfetchWpt.command('background_fetch_click', JSON.stringify([id])),
  permission: state => bgfetchWpt.command('set_permission', JSON.stringify([{state}])),
};
