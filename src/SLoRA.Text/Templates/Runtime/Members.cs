using System.Collections.Frozen;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>
/// <c>value.name</c> and <c>value[key]</c> under the immutable sandbox: an attribute falls back to a key and a key to an attribute; what
/// would change a value, and everything with two leading underscores, is refused.
/// </summary>
internal static class Members
{
    private static readonly FrozenSet<string> ListMutators =
        FrozenSet.Create("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");

    private static readonly FrozenSet<string> DictMutators = FrozenSet.Create("clear", "pop", "popitem", "setdefault", "update");

    private static readonly object Absent = new();

    /// <summary><c>value.name</c>.</summary>
    public static object? Attribute(Rendering r, object? owner, string name)
    {
        r.Defined(owner);
        object? found = Find(owner, name);
        if (!ReferenceEquals(found, Absent))
        {
            return found;
        }

        return owner is TemplateDict dict && dict.TryGet(name, out object? value) ? value : Undefined.Member(owner, name);
    }

    /// <summary><c>value[index]</c>.</summary>
    public static object? Item(Rendering r, object? owner, object? index)
    {
        r.Defined(owner);
        switch (owner)
        {
            case TemplateDict dict when KeyComparer.CanHash(r, index) && dict.TryGet(index, out object? value):
                return value;
            case TemplateSequence sequence when Position(index, sequence.Items.Length) is { } at:
                return sequence.Items[at];
            case TemplateRange range when Position(index, range.Length) is { } at:
                return range[at];
            case string or RichText when Types.IsInteger(index):
                return Character(r, owner, index) ?? Undefined.Member(owner, index);
        }

        if (!Types.IsText(index))
        {
            return Undefined.Member(owner, index);
        }

        object? found = Find(owner, index!.ToString()!);
        return ReferenceEquals(found, Absent) ? Undefined.Member(owner, index) : found;
    }

    /// <summary>Only the attribute, as <c>|attr</c> wants it.</summary>
    public static object? AttributeOnly(Rendering r, object? owner, string name)
    {
        r.Defined(owner);
        object? found = Find(owner, name);
        return ReferenceEquals(found, Absent) ? Undefined.Member(owner, name) : found;
    }

    private static long? Position(object? index, long length)
    {
        if (!Types.IsInteger(index))
        {
            return null;
        }

        long at = Integers.Clamp(index);
        if (at < 0)
        {
            at += length;
        }

        return at >= 0 && at < length ? at : null;
    }

    private static object? Character(Rendering r, object owner, object? index)
    {
        string text = owner.ToString()!;
        r.Budget.Step(text.Length >> 6);
        if (CodePoints.AreUnits(text))
        {
            return Position(index, text.Length) is { } unit ? ContentText.Slice(owner, (int)unit, (int)unit + 1) : null;
        }

        if (Position(index, CodePoints.Count(text)) is not { } point)
        {
            return null;
        }

        int start = CodePoints.UnitOf(text, point);
        return ContentText.Slice(owner, start, start + CodePoints.Width(text, start));
    }

    private static object? Find(object? owner, string name)
    {
        if (name.StartsWith("__", StringComparison.Ordinal))
        {
            return Undefined.Forbidden(owner, name);
        }

        switch (owner)
        {
            case string or RichText:
                return (object?)TextMethods.Find(owner, name) ?? Absent;
            case TemplateDict dict:
                return DictMutators.Contains(name) ? Undefined.Forbidden(owner, name) : (object?)ContainerMethods.Of(dict, name) ?? Absent;
            case TemplateList list:
                return ListMutators.Contains(name) ? Undefined.Forbidden(owner, name) : (object?)ContainerMethods.Of(list, name) ?? Absent;
            case TemplateTuple { IsGroup: true } group when name is "grouper" or "list":
                return group.Items[name == "grouper" ? 0 : 1];
            case TemplateTuple tuple:
                return (object?)ContainerMethods.Of(tuple, name) ?? Absent;
            case TemplateRange range:
                return name switch { "start" => range.Start, "stop" => range.Stop, "step" => range.Step, _ => Absent };
            case TemplateNamespace space:
                return space.Members.TryGetValue(name, out object? member)
                    ? name.StartsWith('_') ? Undefined.Forbidden(owner, name) : member
                    : Absent;
            case LoopState loop:
                return LoopMembers.Find(loop, name, Absent);
            case Macro macro:
                return MacroMember(macro, name);
            case Cycler cycler:
                return cycler.Find(name) ?? Absent;
            case SelfReference self:
                return (object?)self.Find(name) ?? Absent;
            case long or BigInteger or bool or double:
                return (object?)NumberMethods.Find(owner, name) ?? Absent;
            default:
                return Absent;
        }
    }

    private static object? MacroMember(Macro macro, string name) => name switch
    {
        "name" => macro.Name,
        "arguments" => new TemplateTuple([.. macro.Signature.Names]),
        "catch_varargs" => macro.Signature.UsesVarargs,
        "catch_kwargs" => macro.Signature.UsesKwargs,
        "caller" => macro.Signature.UsesCaller,
        _ => Absent,
    };
}
