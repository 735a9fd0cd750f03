using System.Text.RegularExpressions;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.HuggingFace;

/// <summary>
/// What is given in the place of a model's folder, told by names of files, and what to do about it. No file is opened for that.
/// </summary>
internal static partial class MisplacedModel
{
    private const string Gguf = "is a GGUF model, which the configuration beside it does not belong to: name that file itself";
    private const string Pickle = $"would have to be unpickled, which runs code; only {ModelFolder.WeightFile} is read, and it is missing";

    // Endings of files with weights in other formats, those first that tell most.
    private static readonly (string Ending, LoadErrorKind Kind, string Problem)[] OtherWeights =
    [
        (".bin", LoadErrorKind.File, Pickle),
        (".pt", LoadErrorKind.File, Pickle),
        (".pth", LoadErrorKind.File, Pickle),
        (".ckpt", LoadErrorKind.File, Pickle),
        (".pkl", LoadErrorKind.File, Pickle),
        (".bin.index.json", LoadErrorKind.File, Pickle),
        (".gguf", LoadErrorKind.Incompatible, Gguf),
        (".h5", LoadErrorKind.Incompatible, "holds weights for TensorFlow; only safetensors are read"),
        (".msgpack", LoadErrorKind.Incompatible, "holds weights for Flax; only safetensors are read"),
        (".onnx", LoadErrorKind.Incompatible, "is an ONNX model; only Hugging Face folders with safetensors are read"),
    ];

    /// <summary>The error of a path that is no folder.</summary>
    public static FormatError NoFolder(string path)
    {
        if (File.Exists(path))
        {
            return new FormatError(LoadErrorKind.File, path, null,
                $"is a file, expected the folder of a model or a GGUF file: name the folder that {ModelFolder.ConfigFile} is in");
        }

        string advice = HubName().IsMatch(path)
            ? "; if it is the name of a model on the Hugging Face Hub, download that first (hf download NAME --local-dir FOLDER): nothing "
                + "is fetched here"
            : "";
        return new FormatError(LoadErrorKind.File, path, null, "is neither a folder nor a GGUF file that exists" + advice);
    }

    /// <summary>The error of a folder without config.json.</summary>
    public static FormatError NoConfig(string path)
    {
        if (File.Exists(Path.Combine(path, PeftFolder.ConfigFile)))
        {
            return new FormatError(
                LoadErrorKind.File, path, PeftFolder.ConfigFile,
                "makes it the folder of an adapter; register that under a name, and name here the model that it was trained on");
        }

        if (File.Exists(Path.Combine(path, "params.json")))
        {
            return new FormatError(LoadErrorKind.Incompatible, path, "params.json",
                "makes it a model in the form of its makers; take the same model in Hugging Face's form, with config.json");
        }

        return Inner(path) is { } inner
            ? new FormatError(LoadErrorKind.File, path, ModelFolder.ConfigFile,
                $"is missing, and the folder {Shown.Name(inner)} in it has one: name that")
            : new FormatError(LoadErrorKind.File, path, ModelFolder.ConfigFile, "is missing");
    }

    /// <summary>The error of a folder with config.json and neither model.safetensors nor an index.</summary>
    public static FormatError NoWeights(string path)
    {
        foreach ((string ending, LoadErrorKind kind, string problem) in OtherWeights)
        {
            if (FirstFile(path, ending) is { } other)
            {
                return new FormatError(kind, path, other, problem);
            }
        }

        if (FirstFile(path, ".safetensors") is not { } weights)
        {
            return new FormatError(LoadErrorKind.File, path, ModelFolder.WeightFile, "is missing");
        }

        string advice = weights == PeftFolder.TensorFile ? "that is an adapter, without the model that it belongs to"
            : ShardName().IsMatch(weights) ? $"that is one of several, which their index {ModelFolder.IndexFile} must come with"
            : "if those are all weights of the model, rename it";
        return new FormatError(
            LoadErrorKind.File, path, ModelFolder.WeightFile, $"is missing, and there is {Shown.Name(weights)}: {advice}");
    }

    /// <summary>
    /// A folder inside with a configuration: a checkpoint of a trainer, or the snapshot that a folder of Hugging Face's cache holds.
    /// </summary>
    private static string? Inner(string path)
    {
        string snapshots = Path.Combine(path, "snapshots");
        string? found = Directory.EnumerateDirectories(path)
            .Concat(Directory.Exists(snapshots) ? Directory.EnumerateDirectories(snapshots) : [])
            .Where(folder => File.Exists(Path.Combine(folder, ModelFolder.ConfigFile)))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
        return found is null ? null : Path.GetRelativePath(path, found);
    }

    private static string? FirstFile(string folder, string ending) =>
        Directory.EnumerateFiles(folder)
            .Select(file => Path.GetFileName(file))
            .Where(file => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();

    [GeneratedRegex(@"\A[A-Za-z0-9][\w.-]*/[\w.-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex HubName();

    [GeneratedRegex(@"-[0-9]{5}-of-[0-9]{5}\.safetensors\z", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();
}
