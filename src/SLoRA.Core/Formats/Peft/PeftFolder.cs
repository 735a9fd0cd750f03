using System.Globalization;
using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>A folder as PEFT's <c>save_pretrained</c> writes it, and what other folders are that are given in its place.</summary>
internal static class PeftFolder
{
    public const string ConfigFile = "adapter_config.json";
    public const string TensorFile = "adapter_model.safetensors";

    private const string Pickle = "is a pickle, which can run any program when it is read. Where it is trusted, load it with PEFT and save "
        + $"it again: model.save_pretrained(folder, safe_serialization=True) writes {TensorFile}";

    private static readonly string[] PickleEndings = [".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"];

    // What trainers leave beside an adapter, and is none.
    private static readonly string[] StatesOfTraining = ["optimizer", "scheduler", "scaler", "rng_state", "training_args"];

    // What else may lie where one of the two files is missing, likeliest first, and what it means.
    private static readonly (string File, LoadErrorKind Kind, string Meaning)[] Others =
    [
        ("adapter_model.bin", LoadErrorKind.File, Pickle),
        ("adapters.safetensors", LoadErrorKind.File,
            $"holds an adapter of MLX, which is read with the {ConfigFile} that mlx-lm writes beside it"),
        ("adapters.npz", LoadErrorKind.Incompatible,
            "is an archive of an early version of MLX; save the adapter as adapters.safetensors with a later one"),
        ("pytorch_lora_weights.safetensors", LoadErrorKind.Incompatible,
            "holds LoRA for an image model of diffusers; a language model is served here"),
        ("config.json", LoadErrorKind.File,
            $"makes it the folder of a model; give it to UseModel, and name here the folder that has {ConfigFile}"),
        ("model.safetensors", LoadErrorKind.File, $"holds the weights of a whole model; an adapter's matrices are in {TensorFile}"),
    ];

    /// <summary>The error of a folder that lacks one of the two files, by what it has instead.</summary>
    public static FormatError Missing(string folder, string file)
    {
        foreach ((string other, LoadErrorKind kind, string meaning) in Others)
        {
            if (File.Exists(Path.Combine(folder, other)))
            {
                return new FormatError(kind, null, other, $"{meaning} ({file} is missing)");
            }
        }

        // Neither through links nor into what may not be read: the folder may be a stranger's.
        var visible = new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        if (FirstName(Directory.EnumerateFiles(folder, "*.gguf", visible)) is { } gguf)
        {
            return new FormatError(LoadErrorKind.Incompatible, null, gguf,
                $"is an adapter in GGUF: name that file itself, or a folder with {ConfigFile} and {TensorFile}");
        }

        if (FirstName(Directory.EnumerateFiles(folder, "adapter_model-*-of-*.safetensors", visible)) is { } part)
        {
            return new FormatError(LoadErrorKind.File, null, part,
                $"is a part of an adapter in several files, and {TensorFile}.index.json, which says where each tensor is, is missing");
        }

        if (FirstName(Directory.EnumerateFileSystemEntries(folder, "*", visible).Where(IsOfShardedTraining)) is { } sharded)
        {
            return new FormatError(LoadErrorKind.File, null, sharded,
                $"is a part of a model as DeepSpeed or FSDP leave it when they train in shards ({file} is missing). Gather the parts where "
                    + $"they were trained, with the trainer's save_model or zero_to_fp32.py, and save the adapter as {TensorFile}");
        }

        string? inner = Path.GetFileName(Directory.EnumerateDirectories(folder, "*", visible)
            .Where(path => File.Exists(Path.Combine(path, ConfigFile)))
            .OrderByDescending(CheckpointOf).ThenBy(path => path, StringComparer.Ordinal).FirstOrDefault());
        if (inner is null && FirstName(Directory.EnumerateFiles(folder, "*", visible).Where(IsPickle)) is { } pickle)
        {
            return new FormatError(LoadErrorKind.File, null, pickle, $"{Pickle} ({file} is missing)");
        }

        return new FormatError(
            LoadErrorKind.File, null, file, inner is null
                ? "is missing"
                : $"is missing, and the folder {Shown.Name(inner)} in it is an adapter's"
                    + (CheckpointOf(inner) >= 0 ? ", the newest of its checkpoints: name the one that is meant" : ": name that one"));
    }

    private static bool IsOfShardedTraining(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith("global_step", StringComparison.Ordinal) || name.StartsWith("zero_pp_rank_", StringComparison.Ordinal)
            || name.StartsWith("mp_rank_", StringComparison.Ordinal) || name.StartsWith("pytorch_model_fsdp", StringComparison.Ordinal)
            || name.EndsWith(".distcp", StringComparison.Ordinal);
    }

    private static bool IsPickle(string path)
    {
        string name = Path.GetFileName(path);
        return Array.Exists(PickleEndings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            && !Array.Exists(StatesOfTraining, state => name.StartsWith(state, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>N of a folder <c>checkpoint-N</c>; −1 of any other.</summary>
    private static long CheckpointOf(string path)
    {
        const string Prefix = "checkpoint-";
        string name = Path.GetFileName(path);
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : -1;
    }

    private static string? FirstName(IEnumerable<string> paths) => Path.GetFileName(paths.Order(StringComparer.Ordinal).FirstOrDefault());
}
