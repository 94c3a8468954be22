import { render } from 'preact'
import { App } from './app.js'
import { takeSession } from './session.js'

const root = document.getElementById('app')
if (root) render(<App session={takeSession()} />, root)
