namespace SLoRA.Text.Templates;

/// <summary>
/// Builds the tree of a template by recursive descent: statements here, expressions by precedence in the other part. Knows names of tags,
/// filters and tests, and nothing of values.
/// </summary>
internal sealed partial class Parser
{
    /// <summary>The longest template in characters.</summary>
    public const int MaxLength = 1_000_000;

    /// <summary>How deep blocks and expressions may nest within each other.</summary>
    public const int MaxDepth = 200;

    private readonly TokenReader _tokens;
    private readonly Dictionary<string, BlockStatement> _blocks = [];
    private readonly SpecialNames _special = new();
    private int _depth;
    private int _loops;

    // Filters and tests that do not exist, outside of conditions.
    private readonly List<(string Message, int Line)> _unknown = [];

    // Within an if, an unknown filter or test is an error only when it is reached.
    private bool _conditional;

    private Parser(string template) => _tokens = new TokenReader(Lexer.Tokenize(template));

    /// <summary>Parses a template.</summary>
    public static ParsedTemplate Parse(string template)
    {
        if (template.Length > MaxLength)
        {
            throw new ChatTemplateException("template.limit", $"the template has {template.Length} characters, more than {MaxLength}");
        }

        var parser = new Parser(template);
        Statement[] body = parser.Body();
        if (parser._unknown.Count > 0)
        {
            throw new ChatTemplateException("template.syntax", parser._unknown[0].Message, parser._unknown[0].Line);
        }

        return new ParsedTemplate(body, parser._blocks, NameAnalysis.Of(body));
    }

    // Statements up to one of the end tags, which stays current; up to the end of the template where none is given.
    private Statement[] Body(params string[] ends)
    {
        Enter();
        var body = new List<Statement>();
        while (_tokens.Current.Kind != TokenKind.End)
        {
            Token token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new TextStatement(token.Line, token.Text));
                    break;
                case TokenKind.VariableBegin:
                    body.Add(new PrintStatement(token.Line, Tuple()));
                    _tokens.Expect(TokenKind.VariableEnd, "'}}'");
                    break;
                default:
                    if (_tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text))
                    {
                        _depth--;
                        return [.. body];
                    }

                    body.AddRange(Tag());
                    _tokens.Expect(TokenKind.BlockEnd, "'%}'");
                    break;
            }
        }

        if (ends.Length > 0)
        {
            throw _tokens.Error($"the template ends where '{string.Join("' or '", ends)}' is missing");
        }

        _depth--;
        return [.. body];
    }

    // The rest of an opening tag, its body, and its end tag.
    private Statement[] Block(string end)
    {
        OpenBody();
        Statement[] body = Body(end);
        _tokens.Take();
        return body;
    }

    private void OpenBody()
    {
        _tokens.SkipOperator(":");
        _tokens.Expect(TokenKind.BlockEnd, "'%}'");
    }

    // A body that runs as a callable of its own: it is no part of the surrounding loop or condition.
    private T Apart<T>(Func<T> parse)
    {
        (int loops, bool conditional) = (_loops, _conditional);
        (_loops, _conditional) = (0, false);
        T result = parse();
        (_loops, _conditional) = (loops, conditional);
        return result;
    }

    private T Within<T>(bool conditional, Func<T> parse)
    {
        bool before = _conditional;
        _conditional = conditional;
        T result = parse();
        _conditional = before;
        return result;
    }

    private void Enter()
    {
        if (++_depth > MaxDepth || !System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new ChatTemplateException("template.limit", $"the template nests deeper than {MaxDepth} levels", _tokens.Current.Line);
        }
    }
}
