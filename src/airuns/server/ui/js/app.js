/** What every page of somebody who is signed in does. */

import "./http.js";
import "./theme.js";
import "./times.js";
import "./offline.js";
import "./copy.js";
import "./form.js";
