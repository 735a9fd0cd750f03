namespace SLoRA.Text.Templates;

/// <summary>The attributes of the <c>loop</c> variable.</summary>
internal static class LoopMembers
{
    private static readonly Parameters Any = new("cycle", "*");

    public static object? Find(LoopState loop, string name, object absent) => name switch
    {
        "index" => loop.Index0 + 1,
        "index0" => loop.Index0,
        "length" => loop.Length,
        "revindex" => loop.Length - loop.Index0,
        "revindex0" => loop.Length - loop.Index0 - 1,
        "first" => loop.Index0 == 0,
        "last" => loop.IsLast,
        "depth" => (long)loop.Depth0 + 1,
        "depth0" => (long)loop.Depth0,
        "previtem" => loop.HasPrevious ? loop.Previous : new Undefined("there is no previous item"),
        "nextitem" => loop.NextItem,
        "cycle" => new NativeCallable(Any, (r, a) => Cycle(r, loop, ((TemplateList)a[0]!).Items)),
        "changed" => new NativeCallable(Any, (r, a) => loop.Changed(r, new TemplateTuple(((TemplateList)a[0]!).Items))),
        _ => absent,
    };

    private static object? Cycle(Rendering r, LoopState loop, object?[] items) =>
        items.Length > 0 ? items[loop.Index0 % items.Length] : throw r.Runtime("no items for cycling given");
}
