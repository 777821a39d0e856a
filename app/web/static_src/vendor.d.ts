/** The parts of packages without types that we use. */

declare module "*.scss";

declare module "govuk-frontend" {
  export interface Scope {
    scope?: Element | Document;
    onError?: (error: unknown) => void;
  }
  export type ComponentClass = new (root: Element, config?: object) => object;
  export function initAll(config?: Scope): void;
  export function createAll(component: ComponentClass, config?: object, scope?: Scope): object[];
}

declare module "@ministryofjustice/frontend" {
  import type { ComponentClass } from "govuk-frontend";
  export const ButtonMenu: ComponentClass;
  export const SortableTable: ComponentClass;
}
