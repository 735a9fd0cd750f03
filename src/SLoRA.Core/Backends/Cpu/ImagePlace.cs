using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SLoRA.Backends.Cpu.Images;

namespace SLoRA.Backends.Cpu;

/// <summary>Where images of packed weights lie, and which of them a backend's is.</summary>
/// <param name="ReadsAll">Whether the model's files are known again by all of their bytes.</param>
/// <param name="Folder">The folder of images; null for that of the model.</param>
internal sealed record ImagePlace(bool ReadsAll, string? Folder)
{
    /// <summary>Looks for the image of a model.</summary>
    /// <param name="files">The model's files.</param>
    /// <param name="weights">How matrices are kept.</param>
    /// <param name="precision">Whether weights of few bits may be computed with integers.</param>
    /// <param name="run">Who reads.</param>
    public PackedImage Find(ModelFiles files, CpuWeights weights, CpuPrecision precision, RunParts run)
    {
        // The other precisions keep the same.
        string kept = weights + (precision == CpuPrecision.Exact ? "-exact" : "");
        string shard = files.Shards == 1
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $".{files.Shard + 1}-of-{files.Shards}");
        string name = Folder is null ? files.Name : $"{files.Name}-{NumberOf(files.Folder)}";
        ImmutableArray<byte> key =
        [
            .. SHA256.HashData(
                [.. Encoding.UTF8.GetBytes($"{kept}{shard} {ReadsAll} {MultiplyAdd.IsFused} "), .. files.Key(ReadsAll)]),
        ];
        string file = string.Create(CultureInfo.InvariantCulture, $"{name}.{kept.ToLowerInvariant()}{shard}.packed");
        return new PackedImage(Path.Combine(Folder ?? files.Folder, file), key, files.Access, run);
    }

    /// <summary>Tells models of one name apart that have their images in one folder.</summary>
    private static string NumberOf(string folder) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(folder))), 0, 4);
}
