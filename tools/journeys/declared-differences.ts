export const PARTS = ['answers', 'rows', 'streams'] as const;
export type Part = (typeof PARTS)[number];

/** What two runs of a journey may differ in by its nature, in whatever topology, and how far they are compared all the same. */
export interface DeclaredDifference {
  /** Every journey that begins so; the first declaration that fits counts. */
  journey: string;
  parts: readonly Part[];
  /** `kinds`: what there is, not how often; `nothing`: not at all. */
  compared: 'kinds' | 'nothing';
  /** Records that begin so are not compared even by kind. */
  apartFrom?: readonly string[];
  because: string;
}

/** What a shop does of its own accord, or is asked by nobody in particular: its catalogue, its admin, its keys. */
export const theShopItself = (shop: string) => `${shop}: the shop itself`;

const CANCELLATION_RACES =
  'a cancellation meets the capture before or after it was made, and what is undone depends on that';
const AS_LONG_AS_IT_GOES = 'it orders until something happens elsewhere, however many orders that takes';
const STOCK = ['inventory.stock ', '{"call":"GET /products/', '{"call":"PATCH /products/'];

export const declaredDifferences: readonly DeclaredDifference[] = [
  {
    journey: 'two-shops-on-one-database: ',
    parts: PARTS,
    compared: 'nothing',
    because: 'faults come at random for a given time; each replay is compared with an undisturbed one within it',
  },
  {
    journey: 'everybody: the shop itself',
    parts: PARTS,
    compared: 'kinds',
    because: 'admins sign in, and keys are announced, as often as somebody asks',
  },
  {
    journey: 'a-customer-is-erased: a customer who is ordering all the while',
    parts: PARTS,
    compared: 'kinds',
    apartFrom: STOCK,
    because: AS_LONG_AS_IT_GOES,
  },
  {
    journey: 'a-customer-is-erased: the person is gone',
    parts: ['rows', 'streams'],
    compared: 'nothing',
    because: CANCELLATION_RACES,
  },
  {
    journey: 'nobody-answers-in-time: before it begins',
    parts: PARTS,
    compared: 'nothing',
    because: 'it orders until the shop keeps its deadlines, however many orders that takes',
  },
  { journey: 'an-order-is-cancelled: ', parts: PARTS, compared: 'nothing', because: CANCELLATION_RACES },
  { journey: 'the-bus-misbehaves: ', parts: PARTS, compared: 'nothing', because: CANCELLATION_RACES },
  {
    journey: 'the-catalogue-is-browsed: a product that changes',
    parts: PARTS,
    compared: 'kinds',
    apartFrom: STOCK,
    because: AS_LONG_AS_IT_GOES,
  },
  {
    journey: 'the-shop-closes-for-the-night: ',
    parts: PARTS,
    compared: 'kinds',
    apartFrom: STOCK,
    because: AS_LONG_AS_IT_GOES,
  },
  {
    journey: 'the-signing-key-is-replaced: old tokens',
    parts: PARTS,
    compared: 'kinds',
    because: 'customers register until one of them is given a token of the new key',
  },
];

/** Fields of answers and columns of rows that tell how soon something was heard of, by `*` for any place. */
export const EVENTUAL: Readonly<Record<'answers' | 'rows', readonly string[]>> = {
  // Whether orders had heard of the customer's registration when the order was placed; it shows the name soon after.
  answers: ['customerName'],
  rows: ['name_when_placed'],
};

/** What an answer says that shows something which has not come to its end. */
export const ON_ITS_WAY = /"status":"(pending|cancelling)"/;

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
