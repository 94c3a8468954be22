import t from 'tap'
import { devices, realm } from '../rulebook.fixture.js'
import { finestWindow, statisticsCatalogue } from './catalogue.js'

t.test('the default window is the finest that is declared', async (t) => {
  t.equal(finestWindow(devices), 'day')
  t.equal(finestWindow({ ...devices, windows: ['month', 'week'] }), 'week')
  t.equal(finestWindow({ ...devices, windows: ['day', '5m', 'hour'] }), '5m')
})

t.test('the catalogue lists every realm and marks what is sample', async (t) => {
  const windows = ['2026-11-02', '2026-11-09', '2026-11-03'].map((day) => ({
    statistic: 'pages',
    window: 'day',
    windowStart: Date.parse(day),
  }))
  const entries = statisticsCatalogue([
    { ...realm('main', []), latest: [] },
    { ...realm('sample', []), latest: windows },
  ])
  t.same(
    entries.map(({ id, sample, latest }) => [id, sample, latest]),
    [
      ['pages', false, null],
      ['devices', false, null],
      ['pages', true, '2026-11-09T00:00:00Z'],
      ['devices', true, null],
    ],
  )
  t.match(entries[0], {
    title: 'Pages',
    windows: ['day'],
    by: ['path'],
    drill: ['device'],
    measures: ['users', 'events'],
    site: 'erp',
    people: 'floored',
    min_users: 10,
  })
})
