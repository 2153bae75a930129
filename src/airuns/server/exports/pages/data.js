/** The settings of data: what is asked for here is followed, and archives are imported. */

import { on } from "../../ui/js/behaviour.js";
import { follow } from "../../ui/js/exports.js";
import "./importing.js";

on("done", "[data-make-export]", (_, event) => follow(/** @type {CustomEvent} */ (event).detail.id));
