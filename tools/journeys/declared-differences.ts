/** What two runs of a journey may differ in by its nature, and how far they are compared all the same. */
export interface DeclaredDifference {
  /** Begins with the name of its file; every journey with this beginning. */
  journey: string;
  parts: readonly Part[];
  /** `kinds`: what there is, not how often; `nothing`: not at all. */
  compared: 'kinds' | 'nothing';
  because: string;
}

export const PARTS = ['answers', 'rows', 'streams'] as const;
export type Part = (typeof PARTS)[number];

/** What the shop does of its own accord: its catalogue, its admin, its keys. */
export const THE_SHOP_ITSELF = 'the shop itself';

export const declaredDifferences: readonly DeclaredDifference[] = [
  {
    journey: THE_SHOP_ITSELF,
    parts: PARTS,
    compared: 'kinds',
    because: 'it opens as often as journeys start and restart it',
  },
];

/** Fields of answers and columns of rows that tell how soon something was heard of, by `*` for any place. */
export const EVENTUAL: Readonly<Record<'answers' | 'rows', readonly string[]>> = {
  // Whether orders had heard of the customer's registration when the order was placed; it shows the name soon after.
  answers: ['customerName'],
  rows: ['name_when_placed'],
};

/** Answers that tell about the place itself; their status and type are compared, their body is not. */
export const ABOUT_THE_PLACE = /^\/(health|metrics|docs|asyncapi\.json|\.well-known)\b/;

/** Headers that belong to one connection or one moment. */
export const OF_THE_CONNECTION = [
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-correlation-id',
];
