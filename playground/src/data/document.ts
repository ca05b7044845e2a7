/** An operation with the types of its answer and its variables; `scripts/types.mjs` makes them of the `.graphql` files. */
export interface Document<Data, Variables> {
  readonly name: string;
  readonly text: string;
  /** Never there: it only carries the types. */
  readonly __types?: (variables: Variables) => Data;
}
