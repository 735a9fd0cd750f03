using SLoRA.Adapters.Intake;

namespace SLoRA;

/// <summary>Where an adapter comes from: a folder, or tensors in memory. Immutable.</summary>
public sealed class AdapterOrigin
{
    private readonly Func<string, AdapterPackage> _package;

    private AdapterOrigin(Func<string, AdapterPackage> package) => _package = package;

    /// <summary>
    /// A folder with <c>adapter_config.json</c> and PEFT's <c>adapter_model.safetensors</c> or MLX's <c>adapters.safetensors</c>, or an
    /// adapter in one file that ends in <c>.gguf</c>.
    /// </summary>
    public static AdapterOrigin FromFolder(string folder) => FromFolder(folder, followsLinks: true);

    /// <summary>Configuration and tensors, named as PEFT names them. What the object holds when the adapter is read counts.</summary>
    public static AdapterOrigin FromTensors(AdapterTensors tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return new AdapterOrigin(tensors.ToPackage);
    }

    /// <summary>The same, saying whether the folder's files may be symbolic links.</summary>
    internal static AdapterOrigin FromFolder(string folder, bool followsLinks)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new AdapterOrigin(name => AdapterPackage.Of(name, folder, followsLinks));
    }

    /// <summary>The package to read.</summary>
    internal AdapterPackage ToPackage(string name) => _package(name);
}
