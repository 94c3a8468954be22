import fc from 'fast-check'
import t from 'tap'
import { createBeacon, type BeaconClient, type BeaconOptions, type Environment } from './index.js'

interface SentEvent {
  readonly id: string
  readonly name: string
  readonly age: number
  readonly path?: string
  readonly from_path?: string
  readonly props?: Readonly<Record<string, unknown>>
}
interface SentBody {
  readonly v: number
  readonly site: string
  readonly token?: string
  readonly consent?: { readonly analytics: string }
  readonly events: readonly SentEvent[]
}

/** A browser made of a list of timers, whose collector answers what the test says. */
class FakeBrowser {
  now = 1_000_000
  visibilityState = 'visible'
  answers: (Response | Error)[] = []
  readonly calls: {
    readonly url: string
    readonly init: RequestInit
    readonly body: SentBody
  }[] = []
  readonly navigator: Record<string, unknown> = { language: 'en-IN' }
  readonly listeners = new Map<string, Set<() => void>>()
  timers: { readonly at: number; readonly run: () => void }[] = []
  #id = 0

  environment(): Environment {
    const listening = {
      addEventListener: (type: string, listener: () => void) => {
        const heard = this.listeners.get(type) ?? new Set()
        this.listeners.set(type, heard.add(listener))
      },
      removeEventListener: (type: string, listener: () => void) => {
        this.listeners.get(type)?.delete(listener)
      },
    }
    const state = () => this.visibilityState
    return {
      fetch: async (url, init) => {
        this.calls.push({
          url,
          init,
          body: JSON.parse(String(init.body)) as SentBody,
        })
        const answer = this.answers.shift() ?? new Response(null, { status: 204 })
        if (answer instanceof Error) throw answer
        return answer
      },
      navigator: this.navigator,
      window: listening,
      document: {
        ...listening,
        get visibilityState() {
          return state()
        },
      },
      now: () => this.now,
      utcOffset: () => 330,
      after: (ms, run) => {
        this.timers.push({ at: this.now + ms, run })
      },
      random: (bytes) => {
        this.#id += 1
        new DataView(bytes.buffer).setBigUint64(0, BigInt(this.#id))
        return bytes
      },
    }
  }

  emit(type: string): void {
    for (const listener of this.listeners.get(type) ?? []) listener()
  }

  /** Lets `ms` pass, runs the timers that fall due, and lets promises settle. */
  async pass(ms: number): Promise<void> {
    this.now += ms
    const due = this.timers.filter((timer) => timer.at <= this.now)
    this.timers = this.timers.filter((timer) => timer.at > this.now)
    for (const timer of due) timer.run()
    await settled()
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function start(more: Partial<BeaconOptions> = {}): {
  page: FakeBrowser
  beacon: BeaconClient
} {
  const page = new FakeBrowser()
  const beacon = createBeacon({
    url: 'https://collector.test/v1/beacon',
    site: 'erp',
    token: () => 'a.b.c',
    environment: page.environment(),
    ...more,
  })
  return { page, beacon }
}

const unavailable = (seconds: number) =>
  new Response(null, {
    status: 503,
    headers: { 'retry-after': String(seconds) },
  })

t.test('events of two seconds travel in one beacon without cookie, referrer or preflight', async (t) => {
  const { page, beacon } = start()
  beacon.pageView('/customers/12345?tab=1#top')
  page.now += 500
  beacon.pageView('/invoices', { load_ms: 812 })
  await page.pass(1_999 - 500)
  t.equal(page.calls.length, 0)
  await page.pass(1)
  const [call] = page.calls
  t.equal(page.calls.length, 1)
  t.match(call?.init, {
    method: 'POST',
    keepalive: true,
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    headers: { 'content-type': /^text\/plain/ },
  })
  t.same(call?.body, {
    v: 1,
    site: 'erp',
    token: 'a.b.c',
    client: { utc_offset: 330, language: 'en-IN' },
    events: [
      {
        id: '0000000000000001',
        name: 'page_view',
        path: '/customers/12345',
        age: 2_000,
      },
      {
        id: '0000000000000002',
        name: 'page_view',
        path: '/invoices',
        from_path: '/customers/12345',
        props: { load_ms: 812 },
        age: 1_500,
      },
    ],
  })
})

t.test('a browser that refuses sends nothing, not even what already waited', async (t) => {
  for (const [signal, value] of [
    ['globalPrivacyControl', true],
    ['doNotTrack', '1'],
  ] as const) {
    const { page, beacon } = start()
    beacon.pageView('/before')
    page.navigator[signal] = value
    beacon.pageView('/after')
    await beacon.flush()
    page.navigator[signal] = undefined
    await beacon.flush()
    t.equal(page.calls.length, 0, signal)
  }
})

t.test('a page that denies consent sends nothing; one that grants it says so in the body', async (t) => {
  let choice: 'granted' | 'denied' = 'granted'
  const { page, beacon } = start({ consent: () => choice })
  beacon.event('invoice.save')
  await beacon.flush()
  t.same(page.calls[0]?.body.consent, { analytics: 'granted' })
  beacon.event('invoice.save')
  choice = 'denied'
  await beacon.flush()
  t.equal(page.calls.length, 1)
})

t.test('a choice made while the token is fetched still counts', async (t) => {
  let hand: (token: string) => void = () => {}
  const { page, beacon } = start({
    token: () => new Promise<string>((resolve) => (hand = resolve)),
  })
  beacon.event('invoice.save')
  const sent = beacon.flush()
  page.navigator['globalPrivacyControl'] = true
  hand('a.b.c')
  await sent
  t.equal(page.calls.length, 0)
})

t.test('leaving or hiding the page sends what waits at once', async (t) => {
  for (const type of ['pagehide', 'visibilitychange']) {
    const { page, beacon } = start()
    beacon.event('app_error')
    page.visibilityState = 'hidden'
    page.emit(type)
    await settled()
    t.equal(page.calls.length, 1, type)
  }
  const { page, beacon } = start()
  beacon.event('app_error')
  page.emit('visibilitychange')
  await settled()
  t.equal(page.calls.length, 0, 'becoming visible is no reason to send')
})

t.test('503 is repeated after Retry-After with the same ids and a new age', async (t) => {
  const { page, beacon } = start()
  page.answers = [unavailable(7)]
  beacon.event('payment.record')
  await page.pass(2_000)
  beacon.event('payment.record')
  await page.pass(2_000)
  t.equal(page.calls.length, 1, 'nothing is sent while the collector asks to wait')
  await page.pass(5_000)
  t.same(
    page.calls.map(({ body }) => body.events.map(({ id, age }) => [id, age])),
    [[['0000000000000001', 2_000]], [['0000000000000001', 9_000]], [['0000000000000002', 7_000]]],
  )
})

t.test('a broken network is tried four times in all, and a 4xx once', async (t) => {
  const broken = start()
  broken.page.answers = Array.from({ length: 20 }, () => new TypeError('network'))
  broken.beacon.event('app_error')
  for (let i = 0; i < 20; i += 1) await broken.page.pass(60_000)
  t.equal(broken.page.calls.length, 4)
  const refused = start()
  refused.page.answers = [new Response(null, { status: 400 })]
  refused.beacon.event('app_error')
  for (let i = 0; i < 5; i += 1) await refused.page.pass(60_000)
  t.equal(refused.page.calls.length, 1)
})

t.test('an absurd Retry-After is bounded to a minute', async (t) => {
  const { page, beacon } = start()
  page.answers = [unavailable(1e9)]
  beacon.event('app_error')
  await page.pass(2_000)
  await page.pass(60_000)
  t.equal(page.calls.length, 2)
})

t.test('the queue is bounded while no token can be had, and is sent once one can', async (t) => {
  let fails = true
  const { page, beacon } = start({
    token: () => (fails ? Promise.reject(new Error('offline')) : 'a.b.c'),
  })
  for (let i = 0; i < 700; i += 1) beacon.event('search.use')
  await page.pass(2_000)
  t.equal(page.calls.length, 0)
  fails = false
  beacon.event('search.use')
  await page.pass(2_000)
  t.same(
    page.calls.map(({ body }) => body.events.length),
    [100, 100, 100, 100, 100],
  )
})

t.test('events older than a day are given up rather than refused with their batch', async (t) => {
  const { page, beacon } = start()
  beacon.event('old')
  page.now += 86_400_001
  beacon.event('new')
  await beacon.flush()
  t.same(
    page.calls.flatMap(({ body }) => body.events.map(({ name }) => name)),
    ['new'],
  )
})

t.test(
  'what a page hands in wrongly never throws into it, and a choice that cannot be read is no consent',
  async (t) => {
    const { page, beacon } = start()
    const loose = beacon as unknown as Record<'pageView' | 'event', (...values: unknown[]) => void>
    t.doesNotThrow(() => loose.pageView(undefined, null))
    t.doesNotThrow(() => loose.event(42, 'props'))
    await beacon.flush()
    t.same(
      page.calls[0]?.body.events.map(({ name }) => name),
      ['page_view', '42'],
    )
    const unread = start({
      consent: () => {
        throw new Error('no consent manager')
      },
    })
    t.doesNotThrow(() => unread.beacon.event('app_error'))
    await unread.beacon.flush()
    t.equal(unread.page.calls.length, 0)
  },
)

t.test('a clock that went back gives no negative age', async (t) => {
  const { page, beacon } = start()
  beacon.event('app_error')
  page.now -= 5_000
  await beacon.flush()
  t.equal(page.calls[0]?.body.events[0]?.age, 0)
})

t.test('close sends what waits and listens no more', async (t) => {
  const { page, beacon } = start()
  beacon.event('app_error')
  await beacon.close()
  t.equal(page.calls.length, 1)
  t.same(
    [...page.listeners.values()].map((heard) => heard.size),
    [0, 0],
  )
})

t.test(
  'whatever a page hands in, every body keeps the limits of the contract and ids are unique',
  async (t) => {
    const long = fc.oneof(fc.string({ maxLength: 300, unit: 'binary' }), fc.constant('₹'.repeat(400)))
    const value = fc.oneof(long, fc.double(), fc.boolean(), fc.constant(null))
    const event = fc.record({
      name: long,
      props: fc.dictionary(long, value, { maxKeys: 40 }),
      view: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        async (events, times) => {
          const { page, beacon } = start()
          for (let i = 0; i < times; i += 1) {
            for (const { name, props, view } of events) {
              if (view) beacon.pageView(name, props)
              else beacon.event(name, props)
            }
          }
          await beacon.flush()
          const ids = page.calls.flatMap(({ body }) => body.events.map(({ id }) => id))
          if (new Set(ids).size !== ids.length) throw new Error('an id came twice')
          for (const { init, body } of page.calls) {
            const size = new TextEncoder().encode(String(init.body)).length
            if (size > 65_536) throw new Error(`a body of ${size} bytes`)
            if (body.events.length < 1 || body.events.length > 100) throw new Error('number of events')
            for (const { name, path, props } of body.events) {
              const texts = [name, path ?? '', ...Object.entries(props ?? {}).flat()]
              if (texts.some((text) => typeof text === 'string' && text.length > 256))
                throw new Error('a long text')
              if (Object.keys(props ?? {}).length > 32) throw new Error('too many props')
            }
          }
        },
      ),
      { numRuns: 60 },
    )
    t.pass('held in every run')
  },
)
