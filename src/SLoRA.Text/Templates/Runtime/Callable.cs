namespace SLoRA.Text.Templates;

/// <summary>Something a template can call.</summary>
internal abstract class Callable
{
    public abstract object? Invoke(Rendering r, Arguments arguments);
}

/// <summary>A function of the library, or a method bound to its value.</summary>
internal sealed class NativeCallable(Parameters parameters, Func<Rendering, object?[], object?> body) : Callable
{
    public override object? Invoke(Rendering r, Arguments arguments) => body(r, parameters.Bind(r, arguments));
}
