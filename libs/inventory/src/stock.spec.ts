import fc from 'fast-check';
import { NothingToCommit, StockWouldBeNegative } from './errors';
import {
  adjust,
  available,
  commit,
  release,
  reserve,
  type Books,
  type Decisions,
  type Line,
  type Reservation,
  type Stock,
} from './stock';

const tea = 'tea';
const cups = 'cups';

/** Books with this stock and these reservations. */
function given(shelf: Record<string, Stock>, ...reservations: Reservation[]) {
  return {
    shelf: new Map(Object.entries(shelf)),
    reservations: new Map(reservations.map((reservation) => [reservation.orderId, reservation])),
    restocked: [] as (Line & { orderId: string })[],
  };
}

const order = (orderId: string, ...lines: Line[]) => ({ orderId, reservationId: `reservation of ${orderId}`, lines });
const of = (productId: string, quantity: number): Line => ({ productId, quantity });
const held = (orderId: string, ...lines: Line[]): Reservation => ({ state: 'held', ...order(orderId, ...lines) });
const committed = (orderId: string, ...lines: Line[]): Reservation => ({
  state: 'committed',
  ...order(orderId, ...lines),
});
const released = (orderId: string, wasCommitted: boolean, ...lines: Line[]): Reservation => ({
  state: 'released',
  ...order(orderId, ...lines),
  wasCommitted,
});

const nothingMoved = { reservations: [], shelf: [], movements: [] };

describe('reserving stock', () => {
  it('holds every line of an order', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 1 }, [cups]: { onHand: 2, reserved: 0 } });
    expect(reserve(books, [order('A', of(tea, 4), of(cups, 2))])).toEqual({
      answers: [held('A', of(tea, 4), of(cups, 2))],
      reservations: [held('A', of(tea, 4), of(cups, 2))],
      shelf: [
        { productId: tea, onHand: 0, reserved: 4 },
        { productId: cups, onHand: 0, reserved: 2 },
      ],
      movements: [],
    });
  });

  it('holds nothing of an order that it cannot hold whole, and tells all that is short', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 0 }, [cups]: { onHand: 2, reserved: 2 } });
    const { answers, shelf } = reserve(books, [order('A', of(tea, 6), of(cups, 1), of('unknown', 1))]);
    expect(answers).toEqual([
      {
        state: 'refused',
        orderId: 'A',
        shortages: [
          { productId: tea, requested: 6, available: 5 },
          { productId: cups, requested: 1, available: 0 },
          { productId: 'unknown', requested: 1, available: 0 },
        ],
      },
    ]);
    expect(shelf).toEqual([]);
  });

  it('adds up the lines of one product', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 0 } });
    expect(reserve(books, [order('A', of(tea, 3), of(tea, 3))]).answers).toEqual([
      { state: 'refused', orderId: 'A', shortages: [{ productId: tea, requested: 6, available: 5 }] },
    ]);
  });

  it('gives the last piece to the order that came first', () => {
    const books = given({ [tea]: { onHand: 1, reserved: 0 } });
    const { answers, shelf } = reserve(books, [order('A', of(tea, 1)), order('B', of(tea, 1))]);
    expect(answers.map(({ state }) => state)).toEqual(['held', 'refused']);
    expect(shelf).toEqual([{ productId: tea, onHand: 0, reserved: 1 }]);
  });

  it('lets a small order have what a large one could not', () => {
    const books = given({ [tea]: { onHand: 3, reserved: 0 } });
    const { answers } = reserve(books, [order('A', of(tea, 5)), order('B', of(tea, 3))]);
    expect(answers.map(({ state }) => state)).toEqual(['refused', 'held']);
  });

  it('changes each product once, however many orders want it', () => {
    const books = given({ [tea]: { onHand: 9, reserved: 0 } });
    const { shelf } = reserve(books, [order('A', of(tea, 2)), order('B', of(tea, 3))]);
    expect(shelf).toEqual([{ productId: tea, onHand: 0, reserved: 5 }]);
  });

  it.each([
    ['held', held('A', of(tea, 1))],
    ['committed', committed('A', of(tea, 1))],
    ['released', released('A', true, of(tea, 1))],
    ['refused', { state: 'refused', orderId: 'A', shortages: [{ productId: tea, requested: 1, available: 0 }] }],
  ] as [string, Reservation][])('answers again, and takes nothing, when the reservation is %s', (_, known) => {
    const books = given({ [tea]: { onHand: 9, reserved: 1 } }, known);
    expect(reserve(books, [order('A', of(tea, 1))])).toEqual({ ...nothingMoved, answers: [known] });
  });

  it('takes once what is asked for twice in one batch', () => {
    const books = given({ [tea]: { onHand: 9, reserved: 0 } });
    const { answers, shelf } = reserve(books, [order('A', of(tea, 2)), order('A', of(tea, 2))]);
    expect(answers).toEqual([held('A', of(tea, 2)), held('A', of(tea, 2))]);
    expect(shelf).toEqual([{ productId: tea, onHand: 0, reserved: 2 }]);
  });
});

describe('committing stock', () => {
  it('lets the held pieces leave the house', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 3 } }, held('A', of(tea, 2)));
    expect(commit(books, [{ orderId: 'A' }])).toEqual({
      answers: [committed('A', of(tea, 2))],
      reservations: [committed('A', of(tea, 2))],
      shelf: [{ productId: tea, onHand: -2, reserved: -2 }],
      movements: [{ kind: 'sold', orderId: 'A', productId: tea, quantity: -2 }],
    });
  });

  it.each([
    ['committed', committed('A', of(tea, 2))],
    ['released after it was committed', released('A', true, of(tea, 2))],
  ] as [string, Reservation][])('answers again, and moves nothing, when the reservation is %s', (_, known) => {
    const books = given({ [tea]: { onHand: 5, reserved: 0 } }, known);
    expect(commit(books, [{ orderId: 'A' }])).toEqual({ ...nothingMoved, answers: [known] });
  });

  it.each([
    ['never asked for', []],
    ['refused', [{ state: 'refused', orderId: 'A', shortages: [] }]],
    ['released before it was committed', [released('A', false, of(tea, 2))]],
  ] as [string, Reservation[]][])('is impossible when the reservation was %s', (_, known) => {
    expect(() => commit(given({ [tea]: { onHand: 5, reserved: 0 } }, ...known), [{ orderId: 'A' }])).toThrow(
      NothingToCommit,
    );
  });
});

describe('releasing stock', () => {
  it('sets a held reservation free', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 2 } }, held('A', of(tea, 2)));
    expect(release(books, [{ orderId: 'A' }])).toEqual({
      answers: [released('A', false, of(tea, 2))],
      reservations: [released('A', false, of(tea, 2))],
      shelf: [{ productId: tea, onHand: 0, reserved: -2 }],
      movements: [],
    });
  });

  it('puts back the pieces of a committed one', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 0 } }, committed('A', of(tea, 2)));
    expect(release(books, [{ orderId: 'A' }])).toEqual({
      answers: [released('A', true, of(tea, 2))],
      reservations: [released('A', true, of(tea, 2))],
      shelf: [{ productId: tea, onHand: 2, reserved: 0 }],
      movements: [{ kind: 'put-back', orderId: 'A', productId: tea, quantity: 2 }],
    });
  });

  it('does not put back what came back by hand before', () => {
    const books = given({}, committed('A', of(tea, 5), of(cups, 1)));
    const restocked = [
      { orderId: 'A', ...of(tea, 3) },
      { orderId: 'A', ...of(cups, 1) },
      { orderId: 'B', ...of(tea, 1) },
    ];
    expect(release({ ...books, restocked }, [{ orderId: 'A' }]).shelf).toEqual([
      { productId: tea, onHand: 2, reserved: 0 },
    ]);
  });

  it.each([7, -7])('puts back between nothing and all, even where %d pieces were counted in', (counted) => {
    const books = given({}, committed('A', of(tea, 5)));
    const { movements } = release({ ...books, restocked: [{ orderId: 'A', ...of(tea, counted) }] }, [{ orderId: 'A' }]);
    expect(movements.map(({ quantity }) => quantity)).toEqual(counted > 0 ? [] : [5]);
  });

  it('answers an order that has nothing, and refuses what that order asks for later', () => {
    const givenUp: Reservation = { state: 'refused', orderId: 'A', shortages: [] };
    const books = given({ [tea]: { onHand: 5, reserved: 0 } });
    expect(release(books, [{ orderId: 'A' }])).toEqual({
      ...nothingMoved,
      answers: [givenUp],
      reservations: [givenUp],
    });

    const after = given({ [tea]: { onHand: 5, reserved: 0 } }, givenUp);
    expect(reserve(after, [order('A', of(tea, 1))])).toEqual({ ...nothingMoved, answers: [givenUp] });
  });

  it.each([
    ['released', released('A', true, of(tea, 2))],
    ['refused', { state: 'refused', orderId: 'A', shortages: [] }],
  ] as [string, Reservation][])('answers again, and moves nothing, when the reservation is %s', (_, known) => {
    const books = given({ [tea]: { onHand: 5, reserved: 0 } }, known);
    expect(release(books, [{ orderId: 'A' }])).toEqual({ ...nothingMoved, answers: [known] });
  });

  it('undoes once what is asked for twice in one batch', () => {
    const books = given({ [tea]: { onHand: 5, reserved: 2 } }, held('A', of(tea, 2)));
    expect(release(books, [{ orderId: 'A' }, { orderId: 'A' }]).shelf).toEqual([
      { productId: tea, onHand: 0, reserved: -2 },
    ]);
  });
});

describe('counting stock by hand', () => {
  it('adds what came in and takes off what is gone', () => {
    expect(adjust({ onHand: 5, reserved: 2 }, 4)).toEqual({ onHand: 9, reserved: 2 });
    expect(adjust({ onHand: 5, reserved: 2 }, -3)).toEqual({ onHand: 2, reserved: 2 });
  });

  it('never takes off what is reserved', () => {
    expect(() => adjust({ onHand: 5, reserved: 2 }, -4)).toThrow(StockWouldBeNegative);
  });
});

describe('whatever is asked for, in whatever batches', () => {
  const products = ['p', 'q', 'r'];
  const orders = ['A', 'B', 'C', 'D', 'E', 'F'];
  const lines = fc.array(
    fc.record({ productId: fc.constantFrom(...products), quantity: fc.integer({ min: 1, max: 6 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const orderIds = fc.array(fc.constantFrom(...orders), { minLength: 1, maxLength: 5 });
  const batch = fc.oneof(
    fc
      .array(fc.record({ orderId: fc.constantFrom(...orders), lines }), { minLength: 1, maxLength: 5 })
      .map((wanted) => ({ ask: 'reserve' as const, wanted })),
    orderIds.map((ids) => ({ ask: 'commit' as const, ids })),
    orderIds.map((ids) => ({ ask: 'release' as const, ids })),
    fc.record({
      ask: fc.constant('restock' as const),
      orderId: fc.constantFrom(...orders),
      productId: fc.constantFrom(...products),
      quantity: fc.integer({ min: 1, max: 6 }),
    }),
  );
  const initial = fc.tuple(...products.map(() => fc.integer({ min: 0, max: 12 })));

  it('nothing is oversold, nothing is half reserved, and the books add up', () => {
    fc.assert(
      fc.property(initial, fc.array(batch, { maxLength: 25 }), (onHand, batches) => {
        const house = new House(onHand);
        for (const one of batches) {
          house.handle(one);
          house.mustAddUp();
        }
      }),
      { numRuns: 500 },
    );
  });

  /** The tables in memory: applies decisions as the repository does, and knows what must hold between them. */
  class House {
    private readonly shelf = new Map<string, Stock>();
    private readonly ledger = new Map<string, number>();
    private readonly reservations = new Map<string, Reservation>();
    private readonly asked = new Map<string, readonly Line[]>();
    private readonly restocked: (Line & { orderId: string })[] = [];

    constructor(onHand: readonly number[]) {
      products.forEach((productId, index) => {
        this.shelf.set(productId, { onHand: onHand[index] ?? 0, reserved: 0 });
        this.ledger.set(productId, onHand[index] ?? 0);
      });
    }

    handle(one: typeof batch extends fc.Arbitrary<infer Batch> ? Batch : never): void {
      switch (one.ask) {
        case 'reserve':
          for (const { orderId, lines } of one.wanted) if (!this.asked.has(orderId)) this.asked.set(orderId, lines);
          return this.apply(
            reserve(
              this.books(),
              one.wanted.map(({ orderId, lines }) => order(orderId, ...lines)),
            ),
          );
        case 'commit':
          // A batch that holds an impossible one is repeated one by one, and the impossible ones are parked.
          for (const orderId of one.ids) {
            if (this.canBeCommitted(orderId)) this.apply(commit(this.books(), [{ orderId }]));
            else expect(() => commit(this.books(), [{ orderId }])).toThrow(NothingToCommit);
          }
          return;
        case 'release':
          return this.apply(
            release(
              { ...this.books(), restocked: this.sums() },
              one.ids.map((orderId) => ({ orderId })),
            ),
          );
        case 'restock':
          this.restocked.push({ orderId: one.orderId, productId: one.productId, quantity: one.quantity });
          this.shelf.set(one.productId, adjust(this.shelf.get(one.productId)!, one.quantity));
          this.ledger.set(one.productId, this.ledger.get(one.productId)! + one.quantity);
      }
    }

    mustAddUp(): void {
      for (const [productId, stock] of this.shelf) {
        expect(stock.reserved).toBeGreaterThanOrEqual(0);
        expect(available(stock)).toBeGreaterThanOrEqual(0);
        expect(stock.onHand).toBe(this.ledger.get(productId));
        expect(stock.reserved).toBe(this.heldOf(productId));
      }
      for (const reservation of this.reservations.values()) {
        if (reservation.state === 'refused') continue;
        expect(quantities(reservation.lines)).toEqual(quantities(this.asked.get(reservation.orderId) ?? []));
      }
    }

    private books(): Books {
      return { shelf: new Map(this.shelf), reservations: new Map(this.reservations) };
    }

    private apply({ reservations, shelf, movements }: Decisions): void {
      for (const reservation of reservations) this.reservations.set(reservation.orderId, reservation);
      for (const { productId, onHand, reserved } of shelf) {
        const stock = this.shelf.get(productId)!;
        this.shelf.set(productId, { onHand: stock.onHand + onHand, reserved: stock.reserved + reserved });
      }
      for (const { productId, quantity } of movements)
        this.ledger.set(productId, this.ledger.get(productId)! + quantity);
    }

    private canBeCommitted(orderId: string): boolean {
      const known = this.reservations.get(orderId);
      return (
        known?.state === 'held' || known?.state === 'committed' || (known?.state === 'released' && known.wasCommitted)
      );
    }

    private sums(): (Line & { orderId: string })[] {
      const sums = new Map<string, Line & { orderId: string }>();
      for (const { orderId, productId, quantity } of this.restocked) {
        const key = `${orderId} ${productId}`;
        sums.set(key, { orderId, productId, quantity: quantity + (sums.get(key)?.quantity ?? 0) });
      }
      return [...sums.values()];
    }

    private heldOf(productId: string): number {
      return [...this.reservations.values()]
        .flatMap((reservation) => (reservation.state === 'held' ? reservation.lines : []))
        .filter((line) => line.productId === productId)
        .reduce((sum, { quantity }) => sum + quantity, 0);
    }
  }

  function quantities(lines: readonly Line[]): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { productId, quantity } of lines) sums[productId] = (sums[productId] ?? 0) + quantity;
    return sums;
  }
});
