namespace SLoRA.Text.Templates;

/// <summary><c>self</c>: calls the template's own blocks by name.</summary>
internal sealed class SelfReference
{
    private static readonly Parameters NoParameters = new("block", "");

    private SelfReference(Rendering rendering) => Rendering = rendering;

    private Rendering Rendering { get; }

    public static SelfReference Of(Rendering rendering) => new(rendering);

    public Callable? Find(string name) => Rendering.Template.Blocks.TryGetValue(name, out BlockStatement? block)
        ? new NativeCallable(NoParameters, (r, _) => r.Captured(r.Evaluator.Capture(new Scope(r.Root, isBlock: true), block.Body)))
        : null;
}
