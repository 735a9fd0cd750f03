namespace SLoRA.Text.Templates;

/// <summary>What a template does, in order.</summary>
internal abstract record Statement(int Line);

internal sealed record TextStatement(int Line, string Text) : Statement(Line);

internal sealed record PrintStatement(int Line, Expression Value) : Statement(Line);

internal sealed record IfStatement(int Line, (Expression Test, Statement[] Body)[] Branches, Statement[] Else) : Statement(Line);

internal sealed record ForStatement(
    int Line, Target Target, Expression Source, Expression? Filter, bool Recursive, Statement[] Body, Statement[] Else) : Statement(Line);

internal sealed record SetStatement(int Line, Target Target, Expression Value) : Statement(Line);

/// <summary><c>{% set x | filter %}...{% endset %}</c>.</summary>
internal sealed record SetBlockStatement(int Line, Target Target, FilterCall? Filter, Statement[] Body) : Statement(Line);

internal sealed record MacroStatement(int Line, string Id, Signature Signature, Statement[] Body) : Statement(Line);

/// <summary><c>{% call(args) f() %}...{% endcall %}</c>: the body becomes the callable <c>caller</c>.</summary>
internal sealed record CallStatement(int Line, Call Call, Signature Signature, Statement[] Body) : Statement(Line);

internal sealed record FilterStatement(int Line, FilterCall Filter, Statement[] Body) : Statement(Line);

internal sealed record WithStatement(int Line, (Target Target, Expression Value)[] Bindings, Statement[] Body) : Statement(Line);

internal sealed record AutoescapeStatement(int Line, Expression Enabled, Statement[] Body) : Statement(Line);

internal sealed record BlockStatement(int Line, string Id, bool Scoped, Statement[] Body) : Statement(Line);

/// <summary><c>{% generation %}</c>: its text is what the assistant wrote, and its range is reported.</summary>
internal sealed record GenerationStatement(int Line, Statement[] Body) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);

/// <summary>A tag that loads another template: there is nowhere to load from, so executing it is an error.</summary>
internal sealed record LoadStatement(int Line, string Tag) : Statement(Line);

/// <summary>The parameters of a macro or call block, and which special names its body uses.</summary>
internal sealed record Signature(string[] Names, Expression[] Defaults, bool UsesVarargs, bool UsesKwargs, bool UsesCaller);

/// <summary>What an assignment writes to.</summary>
internal abstract record Target(int Line);

internal sealed record NameTarget(int Line, string Id) : Target(Line);

internal sealed record NamespaceTarget(int Line, string Id, string Member) : Target(Line);

internal sealed record TupleTarget(int Line, Target[] Items) : Target(Line);
