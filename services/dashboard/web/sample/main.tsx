import { render } from 'preact'
import { Erp } from './erp.js'

const root = document.getElementById('app')
if (root) render(<Erp />, root)
