/** What every page loads: the style sheet, the components' behaviour, and htmx under a strict content policy. */

import "./main.scss";

import { ButtonMenu, SortableTable } from "@ministryofjustice/frontend";
import { createAll, initAll } from "govuk-frontend";
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false; // an inline style would need an exception in the content policy
htmx.config.selfRequestsOnly = true;
htmx.config.attributesToSettle = ["class", "width", "height"]; // "style" would be an inline style as well

/** Gives components inside `scope` their behaviour; those that have it already are left alone. */
function enliven(scope: HTMLElement | Document): void {
  initAll({ scope, onError: () => undefined });
  createAll(ButtonMenu, undefined, { scope, onError: () => undefined });
  createAll(SortableTable, undefined, { scope, onError: () => undefined });
}

document.body.classList.add("js-enabled", "govuk-frontend-supported");
enliven(document);

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (token) (event as CustomEvent<{ headers: Record<string, string> }>).detail.headers["X-CSRF-Token"] = token;
});

document.addEventListener("htmx:load", (event) => {
  if (event.target instanceof HTMLElement && event.target !== document.body) enliven(event.target);
});
