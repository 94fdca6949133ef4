'use strict';

postMessage('here');
