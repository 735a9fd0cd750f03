using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu.Images;

/// <summary>
/// The image of the weights of one backend while they are loaded: gives out what it has, in the order in which it was written, takes note
/// of what had to be packed after all, and is written anew when there was any.
/// </summary>
internal sealed unsafe class PackedImage : IDisposable
{
    private static readonly Guid _library = typeof(PackedImage).Module.ModuleVersionId;

    private readonly string _path;
    private readonly ImmutableArray<byte> _key;
    private readonly Func<string, long, Stream>? _create;
    private readonly List<(ImageSection Section, nint Address)> _weights = [];
    private readonly OpenImage? _image;
    private int _next;
    private PackedImageProblem _problem;
    private string? _details;

    /// <summary>Looks for an image.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="key">What the model and the way of keeping its weights are known again by.</param>
    /// <param name="access">Whether it is mapped, or read and closed.</param>
    /// <param name="run">Who reads it.</param>
    /// <param name="create">Creates the file that one is written to; for tests.</param>
    /// <exception cref="MemoryException">There is one, and the process cannot have the memory to read it into.</exception>
    public PackedImage(
        string path, ImmutableArray<byte> key, ModelAccess access, RunParts run, Func<string, long, Stream>? create = null)
    {
        _path = path;
        _key = key;
        _create = create;
        try
        {
            _image = OpenImage.Open(path, _library, key.AsSpan(), access, run);
        }
        catch (ImageError error)
        {
            Refuse(error.Problem, error.Message);
        }
    }

    /// <summary>Whether there is one that has all weights, as far as it has been asked.</summary>
    public bool IsUsable => _problem == PackedImageProblem.None;

    /// <summary>What became of it.</summary>
    public PackedImageStatus Status => new()
    {
        File = Path.GetFileName(_path),
        IsUsed = IsUsable,
        Problem = _problem,
        Details = _details,
        Bytes = IsUsable ? _image!.Header.FileBytes : 0,
    };

    /// <summary>The next weight, if it is this one.</summary>
    /// <param name="source">The weight.</param>
    /// <param name="isTable">Whether it is an embedding table.</param>
    /// <param name="bytes">What the image has of it.</param>
    /// <returns>Its first byte, valid until this is disposed; null where it has to be packed.</returns>
    public byte* Next(WeightSource source, bool isTable, out long bytes)
    {
        bytes = 0;
        if (!IsUsable)
        {
            return null;
        }

        ImageSection? has = _next < _image!.Header.Sections.Length ? _image.Header.Sections[_next] : null;
        if (has is null || has != ImageSection.Of(source, isTable, has.Bytes) with { Offset = has.Offset })
        {
            Refuse(
                PackedImageProblem.OtherWeights,
                $"has {Shown.Name(has?.Name ?? "nothing")} where {Shown.Name(source.Name)} is asked for");
            return null;
        }

        _next++;
        bytes = has.Bytes;
        return _image.Data(has);
    }

    /// <summary>What the image has is not what was asked for after all.</summary>
    public void Refuse(WeightSource source) => Refuse(PackedImageProblem.OtherWeights, $"has {Shown.Name(source.Name)} in another form");

    /// <summary>Takes note of a weight that is kept, for the image to be written. Its memory stays until <see cref="Complete"/>.</summary>
    public void Add(WeightSource source, bool isTable, long bytes, byte* data) =>
        _weights.Add((ImageSection.Of(source, isTable, bytes), (nint)data));

    /// <summary>All weights are loaded: an image that could not be used is written anew.</summary>
    /// <returns>What became of it.</returns>
    public PackedImageStatus Complete()
    {
        if (IsUsable && _next < _image!.Header.Sections.Length)
        {
            Refuse(
                PackedImageProblem.OtherWeights,
                $"has {Shown.Name(_image.Header.Sections[_next].Name)}, which the model does not ask for");
        }

        PackedImageStatus status = Status;
        if (!IsUsable)
        {
            try
            {
                status = status with { Bytes = ImageWriter.Write(_path, _library, _key, _weights, _create), IsWritten = true };
            }
            catch (Exception error) when (FileProblem.IsOne(error))
            {
                status = status with { WriteProblem = FileProblem.Of(error, "written") };
            }
        }

        _weights.Clear();
        _weights.TrimExcess();
        return status;
    }

    /// <inheritdoc/>
    public void Dispose() => _image?.Dispose();

    private void Refuse(PackedImageProblem problem, string details)
    {
        _problem = problem;
        _details = details;
    }
}
