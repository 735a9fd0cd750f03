using System.Text.Json;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// A folder of a real model: <c>model*/</c>, one per type of weights, <c>adapters/</c>, and files with what transformers + PEFT compute
/// with them.
/// </summary>
internal sealed record RealModelFolder(string Path)
{
    private const string Variable = "SLORA_MODELS";

    public static bool AreNamed => Named.Length > 0;

    /// <summary>The folders that the environment variable SLORA_MODELS names.</summary>
    public static IEnumerable<RealModelFolder> All() => Named.Select(path => new RealModelFolder(path));

    /// <summary>The folder of the model whose weights have a type, or null.</summary>
    /// <param name="weights">f32, bf16 or f16; null where the files do not say, for a folder with one model.</param>
    public string? Model(string? weights)
    {
        string[] models = [.. Directory.GetDirectories(Path, "model*").Where(IsModel).Order(StringComparer.Ordinal)];
        return weights is null ? models.SingleOrDefault() : models.FirstOrDefault(model => WeightsOf(model) == weights);
    }

    /// <summary>The model as a GGUF file, or null.</summary>
    public string? Gguf => Directory.GetFiles(Path, "*.gguf").SingleOrDefault();

    public string Adapter(string name) => System.IO.Path.Combine(Path, "adapters", name);

    /// <summary>The names of all adapters.</summary>
    public IReadOnlyList<string> Adapters() =>
        [.. Directory.GetDirectories(System.IO.Path.Combine(Path, "adapters")).Select(path => System.IO.Path.GetFileName(path))
            .Order(StringComparer.Ordinal)];

    /// <summary>The files here whose names match, without their path.</summary>
    public IEnumerable<string> Files(string pattern) =>
        Directory.Exists(Path)
            ? Directory.GetFiles(Path, pattern).Select(file => System.IO.Path.GetFileName(file)!).Order(StringComparer.Ordinal)
            : [];

    public ReferenceFile Read(string file) => ReferenceFile.Read(System.IO.Path.Combine(Path, file));

    /// <summary>The tensors that stand beside a file of cases.</summary>
    public TensorFile TensorsOf(string file) => new(System.IO.Path.Combine(Path, System.IO.Path.ChangeExtension(file, ".safetensors")));

    private static string[] Named =>
        (Environment.GetEnvironmentVariable(Variable) ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    private static bool IsModel(string folder) => File.Exists(System.IO.Path.Combine(folder, "config.json"));

    private static string WeightsOf(string model)
    {
        using FileStream stream = File.OpenRead(System.IO.Path.Combine(model, "config.json"));
        using var config = JsonDocument.Parse(stream);
        string? type = config.RootElement.TryGetProperty("dtype", out JsonElement value)
            || config.RootElement.TryGetProperty("torch_dtype", out value)
            ? value.GetString()
            : null;
        return type switch
        {
            "bfloat16" => "bf16",
            "float16" => "f16",
            _ => "f32",
        };
    }
}
