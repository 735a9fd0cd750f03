namespace SLoRA.Text.Templates;

/// <summary>The expressions directly within an expression.</summary>
internal static class ExpressionParts
{
    public static void Push(Expression expression, Stack<Expression?> parts)
    {
        switch (expression)
        {
            case ListLiteral list: All(list.Items, parts); break;
            case TupleLiteral tuple: All(tuple.Items, parts); break;
            case DictLiteral dict:
                foreach ((Expression key, Expression value) in dict.Items)
                {
                    All([key, value], parts);
                }

                break;
            case MemberAccess member: parts.Push(member.Target); break;
            case ItemAccess item: All([item.Target, item.Index], parts); break;
            case SliceIndex slice: All([slice.Start, slice.Stop, slice.Step], parts); break;
            case Call call: Call(call.Target, call.Arguments, parts); break;
            case FilterCall filter: Call(filter.Target, filter.Arguments, parts); break;
            case TestCall test: Call(test.Target, test.Arguments, parts); break;
            case Negation negation: parts.Push(negation.Operand); break;
            case Signed signed: parts.Push(signed.Operand); break;
            case Arithmetic arithmetic: All([arithmetic.Left, arithmetic.Right], parts); break;
            case Concatenation concatenation: All(concatenation.Parts, parts); break;
            case Comparison comparison:
                parts.Push(comparison.First);
                foreach ((_, Expression operand) in comparison.Rest)
                {
                    parts.Push(operand);
                }

                break;
            case Logical logical: All([logical.Left, logical.Right], parts); break;
            case Conditional conditional: All([conditional.Test, conditional.Then, conditional.Else], parts); break;
        }
    }

    private static void Call(Expression? target, CallArguments arguments, Stack<Expression?> parts)
    {
        parts.Push(target);
        All(arguments.Positional, parts);
        foreach ((_, Expression value) in arguments.Named)
        {
            parts.Push(value);
        }

        parts.Push(arguments.Rest);
        parts.Push(arguments.RestNamed);
    }

    private static void All(ReadOnlySpan<Expression?> expressions, Stack<Expression?> parts)
    {
        foreach (Expression? expression in expressions)
        {
            parts.Push(expression);
        }
    }
}
