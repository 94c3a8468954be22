import t from 'tap'
import { createCensus } from './census.js'
import { createValueLearner } from './value-learner.js'

t.test(
  'a value is learnt once enough people of enough groups used it, and if nothing is found in it',
  async (t) => {
    const census = createCensus()
    const learner = createValueLearner({
      minUsers: 5,
      minGroups: 2,
      fits: (value) => value.length < 20,
      values: 4,
    })
    const use = (value: string, people: number, groups: number) => {
      for (let person = 0; person < people; person += 1) {
        const member = census.member(`p${person}`, `g${person % groups}`)
        if (member !== null) learner.saw(value, member)
      }
    }
    use('sales', 5, 2)
    use('sales', 5, 2)
    use('accounts', 4, 2)
    use('whole-group', 9, 1)
    use('ABCPK1234F', 9, 3)
    use('too-long-to-be-listed', 9, 3)
    use('one-too-many', 9, 3)
    t.same(learner.learnt(), ['sales'])
  },
)
