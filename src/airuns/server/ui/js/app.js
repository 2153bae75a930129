/** What every page of somebody who is signed in does. */

import "./http.js";
import "./theme.js";
import "./times.js";
import "./offline.js";
import "./running.js";
import "./exports.js";
import "./copy.js";
import "./code.js";
import "./form.js";
import "./menu.js";
import "./palette.js";
import "./going.js";
import "./keysheet.js";
