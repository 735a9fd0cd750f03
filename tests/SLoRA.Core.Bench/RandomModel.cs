namespace SLoRA.Core.Bench;

/// <summary>A model of random weights, a folder of Hugging Face or a GGUF file, in the temporary folder until disposed.</summary>
internal sealed class RandomModel : IDisposable
{
    private readonly IDisposable? _safetensors;
    private readonly DirectoryInfo? _gguf;

    /// <summary>Writes it.</summary>
    public RandomModel(Shape shape, BaseWeights weights)
    {
        if (weights.File is null)
        {
            var folder = new RandomModelFolder(shape, weights.Stored);
            _safetensors = folder;
            Path = folder.Path;
            return;
        }

        _gguf = Directory.CreateTempSubdirectory("slora-bench-");
        Path = System.IO.Path.Combine(_gguf.FullName, $"{shape.Name}-{weights.File.Name}.gguf");
        try
        {
            RandomGguf.WriteModel(Path, shape, weights.File);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What an engine is given.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _safetensors?.Dispose();
        _gguf?.Delete(recursive: true);
    }
}
