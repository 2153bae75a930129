/** Says so while the network is away. */

import { behaviour } from "./behaviour.js";

behaviour("[data-offline]", (banner) => {
  const show = () => {
    banner.hidden = navigator.onLine;
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
});
