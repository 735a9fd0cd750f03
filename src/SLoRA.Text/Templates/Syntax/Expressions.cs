namespace SLoRA.Text.Templates;

/// <summary>What has a value. Every node knows its line for messages.</summary>
internal abstract record Expression(int Line);

internal sealed record Constant(int Line, object? Value) : Expression(Line);

internal sealed record Name(int Line, string Id) : Expression(Line);

internal sealed record ListLiteral(int Line, Expression[] Items) : Expression(Line);

internal sealed record TupleLiteral(int Line, Expression[] Items) : Expression(Line);

internal sealed record DictLiteral(int Line, (Expression Key, Expression Value)[] Items) : Expression(Line);

/// <summary><c>target.name</c>: the attribute first, the key second.</summary>
internal sealed record MemberAccess(int Line, Expression Target, string Id) : Expression(Line);

/// <summary><c>target[index]</c>: the key first, the attribute second.</summary>
internal sealed record ItemAccess(int Line, Expression Target, Expression Index) : Expression(Line);

/// <summary><c>start:stop:step</c> within brackets.</summary>
internal sealed record SliceIndex(int Line, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

internal sealed record Call(int Line, Expression Target, CallArguments Arguments) : Expression(Line);

/// <summary><c>target | name(...)</c>. A null target is the text of the surrounding block.</summary>
internal sealed record FilterCall(int Line, Expression? Target, string Id, CallArguments Arguments) : Expression(Line);

internal sealed record TestCall(int Line, Expression Target, string Id, CallArguments Arguments) : Expression(Line);

internal sealed record Negation(int Line, Expression Operand) : Expression(Line);

/// <summary>Arithmetic sign: <c>-x</c> or <c>+x</c>.</summary>
internal sealed record Signed(int Line, bool Minus, Expression Operand) : Expression(Line);

internal sealed record Arithmetic(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);

internal sealed record Concatenation(int Line, Expression[] Parts) : Expression(Line);

/// <summary>A chain such as <c>1 &lt; x &lt;= 3</c>: each operand is evaluated once.</summary>
internal sealed record Comparison(int Line, Expression First, (string Operator, Expression Operand)[] Rest) : Expression(Line);

/// <summary><c>and</c> or <c>or</c>: gives one of its operands, not a boolean.</summary>
internal sealed record Logical(int Line, bool And, Expression Left, Expression Right) : Expression(Line);

internal sealed record Conditional(int Line, Expression Test, Expression Then, Expression? Else) : Expression(Line);

/// <summary>The arguments of a call, filter or test as written.</summary>
internal sealed record CallArguments(
    Expression[] Positional, (string Name, Expression Value)[] Named, Expression? Rest, Expression? RestNamed)
{
    public static readonly CallArguments None = new([], [], null, null);
}
