namespace SLoRA.Text.Templates;

/// <summary>Finds, for every region of a template, the names that are unset when it starts (see <see cref="Names"/>).</summary>
internal sealed class NameAnalysis
{
    private readonly Dictionary<Statement[], string[]> _unset = [];

    /// <summary>The unset names by the statements of their region; regions without any are left out.</summary>
    public static Dictionary<Statement[], string[]> Of(Statement[] template)
    {
        var analysis = new NameAnalysis();
        analysis.Region(null, [], [], template);
        return analysis._unset;
    }

    private void Region(Names? outer, IEnumerable<string> parameters, IEnumerable<Expression?> before, Statement[] body)
    {
        var names = new Names(outer);
        foreach (string parameter in parameters)
        {
            names.Parameter(parameter);
        }

        foreach (Expression? expression in before)
        {
            Read(names, expression);
        }

        Visit(names, body);
        if (names.Unset.Count > 0)
        {
            _unset[body] = [.. names.Unset];
        }

        // Inner regions see what the whole of this one knows, also what it learns after them.
        Inner(names, body);
    }

    private static void Visit(Names names, Statement[] body)
    {
        foreach (Statement statement in body)
        {
            Visit(names, statement);
        }
    }

    // In this region a statement with a region of its own only reads what stands in its tag.
    private static void Visit(Names names, Statement statement)
    {
        switch (statement)
        {
            case PrintStatement print: Read(names, print.Value); break;
            case ForStatement loop: Read(names, loop.Source); break;
            case MacroStatement macro: names.Store(macro.Id); break;
            case CallStatement call: Read(names, call.Call); break;
            case FilterStatement filter: Read(names, filter.Filter); break;
            case SetBlockStatement set: Store(names, set.Target); break;
            case SetStatement set:
                Read(names, set.Value);
                Store(names, set.Target);
                break;
            case WithStatement with:
                foreach ((_, Expression value) in with.Bindings)
                {
                    Read(names, value);
                }

                break;
            case IfStatement choice: Branches(names, choice); break;
        }
    }

    private static void Branches(Names names, IfStatement choice)
    {
        Read(names, choice.Branches[0].Test);
        var branches = new List<Names>();
        foreach ((Expression test, Statement[] body) in choice.Branches)
        {
            Names branch = names.Branch();
            Read(branch, test);
            Visit(branch, body);
            branches.Add(branch);
        }

        Names otherwise = names.Branch();
        Visit(otherwise, choice.Else);
        branches.Add(otherwise);
        names.Join(branches);
    }

    private void Inner(Names names, Statement[] body)
    {
        foreach (Statement statement in body)
        {
            switch (statement)
            {
                case IfStatement choice:
                    foreach ((_, Statement[] branch) in choice.Branches)
                    {
                        Inner(names, branch);
                    }

                    Inner(names, choice.Else);
                    break;
                case ForStatement loop:
                    Region(names, [.. TargetNames(loop.Target), "loop"], [], loop.Body);
                    Region(names, [], [], loop.Else);
                    break;
                case MacroStatement macro: Region(names, macro.Signature.Names, macro.Signature.Defaults, macro.Body); break;
                case CallStatement call: Region(names, call.Signature.Names, call.Signature.Defaults, call.Body); break;
                case GenerationStatement generation: Region(names, [], [], generation.Body); break;
                case FilterStatement filter: Region(names, [], [], filter.Body); break;
                case SetBlockStatement set: Region(names, [], [], set.Body); break;
                case AutoescapeStatement autoescape: Region(names, [], [autoescape.Enabled], autoescape.Body); break;
                case WithStatement with: Region(names, with.Bindings.SelectMany(b => TargetNames(b.Target)), [], with.Body); break;
                case BlockStatement block: Region(null, [], [], block.Body); break;
            }
        }
    }

    private static void Store(Names names, Target target)
    {
        if (target is NamespaceTarget member)
        {
            names.Read(member.Id);
        }

        foreach (string name in TargetNames(target))
        {
            names.Store(name);
        }
    }

    private static IEnumerable<string> TargetNames(Target target) => target switch
    {
        NameTarget name => [name.Id],
        TupleTarget tuple => tuple.Items.SelectMany(TargetNames),
        _ => [],
    };

    private static void Read(Names names, Expression? expression)
    {
        // An explicit stack: chains of operators can be long.
        var open = new Stack<Expression?>();
        open.Push(expression);
        while (open.TryPop(out Expression? next))
        {
            if (next is Name name)
            {
                names.Read(name.Id);
            }
            else if (next is not null)
            {
                ExpressionParts.Push(next, open);
            }
        }
    }
}
