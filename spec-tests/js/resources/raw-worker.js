'use strict';

// A worker that is what its URL says.

eval(decodeURIComponent(location.search.slice(1)));
addEventListener('install', () => skipWaiting());
