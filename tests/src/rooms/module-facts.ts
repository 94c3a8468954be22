import { parseSync, Visitor } from 'vite'

/** One import of a module, whatever its form: static, re-exported, dynamic, `require` or in a type. */
export interface Import {
  readonly specifier: string
  /** The imported names where the form lists them; `*` stands for the whole module. */
  readonly names: readonly string[]
}

/** What a source file takes from outside itself. */
export interface ModuleFacts {
  readonly imports: readonly Import[]
  /** Every identifier that is neither a property's name nor declared in the file: all the globals it uses, and more. */
  readonly globals: ReadonlySet<string>
  /** Whether it imports something that only a run could tell. */
  readonly importsUnknown: boolean
}

/**
 * Reads what a TypeScript or JavaScript file imports and names, with the parser that the bundler carries.
 * @throws {Error} on source that does not parse
 */
export function moduleFacts(path: string, text: string): ModuleFacts {
  const { errors, module, program } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message ?? 'unknown'}`)

  const imports: Import[] = []
  const identifierAt = new Map<number, string>()
  const propertyAt = new Set<number>()
  const declared = new Set<string>()
  let importsUnknown = false

  for (const { moduleRequest, entries } of module.staticImports) {
    imports.push({
      specifier: moduleRequest.value,
      names: entries.map(({ importName }) => importName.name ?? '*'),
    })
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, importName } of entries) {
      if (moduleRequest) imports.push({ specifier: moduleRequest.value, names: [importName.name ?? '*'] })
    }
  }

  const property = (key: { start: number }, computed: boolean, shorthand = false): void => {
    if (!computed && !shorthand) propertyAt.add(key.start)
  }
  const whole = (source: { type: string; value?: unknown }): void => {
    if (source.type === 'Literal' && typeof source.value === 'string') {
      imports.push({ specifier: source.value, names: ['*'] })
    } else {
      importsUnknown = true
    }
  }
  new Visitor({
    Identifier: (node) => void identifierAt.set(node.start, node.name),
    FunctionDeclaration: ({ id }) => void (id && declared.add(id.name)),
    VariableDeclarator: ({ id }) => void (id.type === 'Identifier' && declared.add(id.name)),
    MemberExpression: (node) => property(node.property, node.computed),
    Property: (node) => property(node.key, node.computed, node.shorthand),
    MethodDefinition: (node) => property(node.key, node.computed),
    PropertyDefinition: (node) => property(node.key, node.computed),
    TSPropertySignature: (node) => property(node.key, node.computed),
    TSMethodSignature: (node) => property(node.key, node.computed),
    ImportSpecifier: (node) => property(node.imported, node.imported.start === node.local.start),
    ImportExpression: (node) => whole(node.source),
    TSImportType: (node) => whole(node.source),
    TSExternalModuleReference: (node) => whole(node.expression),
    CallExpression: ({ callee, arguments: [first] }) => {
      const made = callee.type === 'CallExpression' ? callee.callee : callee
      const isRequire =
        made.type === 'Identifier' && (made.name === 'require' || made.name === 'createRequire')
      // `createRequire(url)` itself imports nothing; what it returns does.
      if (isRequire && first && (made !== callee || made.name === 'require')) whole(first)
    },
  }).visit(program)

  const globals = [...identifierAt]
    .filter(([start, name]) => !propertyAt.has(start) && !declared.has(name))
    .map(([, name]) => name)
  return { imports, globals: new Set(globals), importsUnknown }
}
