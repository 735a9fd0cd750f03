namespace SLoRA.Text.Templates;

/// <content>One method per tag.</content>
internal sealed partial class Parser
{
    private Statement[] Tag()
    {
        Token tag = _tokens.Current.Kind == TokenKind.Name ? _tokens.Take() : throw _tokens.Unexpected("a tag name");
        return tag.Text switch
        {
            "if" => [If(tag.Line)],
            "for" => [For(tag.Line)],
            "set" => [Set(tag.Line)],
            "macro" => [Macro(tag.Line)],
            "call" => [CallBlock(tag.Line)],
            "filter" => [FilterBlock(tag.Line)],
            "with" => [With(tag.Line)],
            "block" => [NamedBlock(tag.Line)],
            "autoescape" => [Autoescape(tag.Line)],
            "generation" => [new GenerationStatement(tag.Line, Apart(() => Block("endgeneration")))],
            "print" => Print(tag.Line),
            "break" => [InLoop(tag, new BreakStatement(tag.Line))],
            "continue" => [InLoop(tag, new ContinueStatement(tag.Line))],
            "include" or "import" or "from" or "extends" => [Load(tag)],
            _ => throw new ChatTemplateException("template.syntax", $"unknown tag '{tag.Text}'", tag.Line),
        };
    }

    private IfStatement If(int line) => Within(true, () =>
    {
        var branches = new List<(Expression, Statement[])>();
        Statement[] otherwise = [];
        do
        {
            Expression test = Tuple(conditional: false);
            OpenBody();
            branches.Add((test, Body("elif", "else", "endif")));
        }
        while (_tokens.SkipName("elif"));

        if (_tokens.Take().Text == "else")
        {
            otherwise = Block("endif");
        }

        return new IfStatement(line, [.. branches], otherwise);
    });

    private ForStatement For(int line)
    {
        Target target = AssignTarget();
        if (Assigns(target, "loop"))
        {
            throw _tokens.Error("can't assign to the special loop variable");
        }

        _tokens.ExpectName("in");
        Expression source = Tuple(conditional: false);
        Expression? filter = _tokens.SkipName("if") ? Within(false, () => Expression()) : null;
        bool recursive = _tokens.SkipName("recursive");
        OpenBody();
        _loops++;
        Statement[] body = Within(false, () => Body("endfor", "else"));
        _loops--;
        Statement[] otherwise = _tokens.Take().Text == "else" ? Within(false, () => Block("endfor")) : [];
        return new ForStatement(line, target, source, filter, recursive, body, otherwise);
    }

    private Statement Set(int line)
    {
        Target target = AssignTarget(members: true);
        if (_loops > 0 && Assigns(target, "loop"))
        {
            throw _tokens.Error("can't assign to the special loop variable");
        }

        if (_tokens.SkipOperator("="))
        {
            return new SetStatement(line, target, Tuple());
        }

        FilterCall? filter = _tokens.Current.IsOperator("|") ? Filters(null) : null;
        return new SetBlockStatement(line, target, filter, Within(false, () => Block("endset")));
    }

    private MacroStatement Macro(int line)
    {
        string name = _tokens.Expect(TokenKind.Name, "a macro name").Text;
        (Signature signature, Statement[] body) = Callable(required: true, () => null, "endmacro");
        return new MacroStatement(line, name, signature, body);
    }

    private CallStatement CallBlock(int line)
    {
        Call? call = null;
        (Signature signature, Statement[] body) = Callable(
            required: false,
            () => call = Expression() as Call ?? throw new ChatTemplateException("template.syntax", "a call block needs a call", line),
            "endcall");
        return new CallStatement(line, call!, signature, body);
    }

    // Parameters, whatever the tag has after them, and the body.
    private (Signature Signature, Statement[] Body) Callable(bool required, Func<object?> head, string end)
    {
        var names = new List<string>();
        var defaults = new List<Expression>();
        _special.Open();
        if (required || _tokens.Current.IsOperator("("))
        {
            Parameters(names, defaults);
        }

        HashSet<string> inDefaults = _special.Close();
        head();
        _special.Open();
        Statement[] body = Apart(() => Block(end));
        HashSet<string> used = _special.Close();
        used.UnionWith(inDefaults);
        return (new Signature([.. names], [.. defaults], used.Contains("varargs"), used.Contains("kwargs"), used.Contains("caller")), body);
    }

    private void Parameters(List<string> names, List<Expression> defaults)
    {
        _tokens.ExpectOperator("(");
        while (!_tokens.Current.IsOperator(")"))
        {
            if (names.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            string name = _tokens.Expect(TokenKind.Name, "a parameter name").Text;
            if (names.Contains(name))
            {
                throw _tokens.Error($"the parameter '{name}' occurs twice");
            }

            if (_tokens.SkipOperator("="))
            {
                defaults.Add(Expression());
            }
            else if (defaults.Count > 0)
            {
                throw _tokens.Error($"the parameter '{name}' has no default but follows one that has");
            }

            names.Add(name);
        }

        _tokens.Take();
    }

    private FilterStatement FilterBlock(int line)
    {
        FilterCall filter = Filters(null, inline: true);
        return new FilterStatement(line, filter, Within(false, () => Block("endfilter")));
    }

    private WithStatement With(int line)
    {
        var bindings = new List<(Target, Expression)>();
        while (_tokens.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End) && !_tokens.Current.IsOperator(":"))
        {
            if (bindings.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            Target target = AssignTarget();
            _tokens.ExpectOperator("=");
            bindings.Add((target, Expression()));
        }

        return new WithStatement(line, [.. bindings], Within(false, () => Block("endwith")));
    }

    private AutoescapeStatement Autoescape(int line)
    {
        Expression enabled = Expression();
        return new AutoescapeStatement(line, enabled, Within(false, () => Block("endautoescape")));
    }

    private BlockStatement NamedBlock(int line)
    {
        string name = _tokens.Expect(TokenKind.Name, "a block name").Text;
        bool scoped = _tokens.SkipName("scoped");
        bool required = _tokens.SkipName("required");
        Statement[] body = Apart(() => Block("endblock"));
        if (required && body.Any(s => s is not TextStatement text || CharacterClasses.Trim(text.Text).Length > 0))
        {
            throw new ChatTemplateException("template.syntax", $"the required block '{name}' holds more than spaces", line);
        }

        _tokens.SkipName(name);
        var block = new BlockStatement(line, name, scoped, required ? [new LoadStatement(line, "required block")] : body);
        if (!_blocks.TryAdd(name, block))
        {
            throw new ChatTemplateException("template.syntax", $"block '{name}' defined twice", line);
        }

        return block;
    }

    private Statement[] Print(int line)
    {
        var prints = new List<Statement>();
        while (_tokens.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End))
        {
            if (prints.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            prints.Add(new PrintStatement(line, Expression()));
        }

        return [.. prints];
    }

    private Statement InLoop(Token tag, Statement statement) =>
        _loops > 0 ? statement : throw new ChatTemplateException("template.syntax", $"'{tag.Text}' outside loop", tag.Line);

    // The tag is read to its end but not understood further: it cannot do anything without a loader.
    private LoadStatement Load(Token tag)
    {
        Expression();
        while (_tokens.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End))
        {
            _tokens.Take();
        }

        return new LoadStatement(tag.Line, tag.Text);
    }

    private Target AssignTarget(bool members = false)
    {
        int line = _tokens.Current.Line;
        var items = new List<Target>();
        bool tuple = false;
        while (true)
        {
            if (EndsTuple())
            {
                break;
            }

            items.Add(SingleTarget(members));
            if (!_tokens.SkipOperator(","))
            {
                break;
            }

            tuple = true;
        }

        if (items.Count == 0)
        {
            throw _tokens.Unexpected("a name to assign to");
        }

        return tuple ? new TupleTarget(line, [.. items]) : items[0];
    }

    private static bool Assigns(Target target, string name) => target switch
    {
        NameTarget single => single.Id == name,
        TupleTarget tuple => Array.Exists(tuple.Items, item => Assigns(item, name)),
        _ => false,
    };

    private Target SingleTarget(bool members)
    {
        Token token = _tokens.Current;
        if (token.IsOperator("("))
        {
            _tokens.Take();
            Enter();
            Target inner = AssignTarget();
            _depth--;
            _tokens.ExpectOperator(")");
            return inner;
        }

        if (token.Kind != TokenKind.Name || token.Text is "true" or "false" or "none" or "True" or "False" or "None")
        {
            throw _tokens.Error($"can't assign to '{token}'");
        }

        _tokens.Take();
        if (members && _tokens.SkipOperator("."))
        {
            return new NamespaceTarget(token.Line, token.Text, _tokens.Expect(TokenKind.Name, "a name").Text);
        }

        return new NameTarget(token.Line, token.Text);
    }
}
