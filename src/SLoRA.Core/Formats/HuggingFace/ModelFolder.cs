namespace SLoRA.Formats.HuggingFace;

/// <summary>
/// A folder as <c>save_pretrained</c> writes it: <c>config.json</c>, perhaps <c>generation_config.json</c>, and safetensors in one file or
/// in several with an index. Knows file names, not models.
/// </summary>
internal sealed class ModelFolder
{
    public const string ConfigFile = "config.json";
    public const string GenerationConfigFile = "generation_config.json";
    public const string WeightFile = "model.safetensors";
    public const string IndexFile = "model.safetensors.index.json";

    private ModelFolder(string path, ConfigObject config)
    {
        FolderPath = path;
        Config = config;
    }

    /// <summary>The folder, as it was given.</summary>
    public string FolderPath { get; }

    /// <summary>The root object of config.json.</summary>
    public ConfigObject Config { get; }

    /// <summary>Opens a folder and reads its config.json.</summary>
    /// <exception cref="FormatError">The folder or its configuration is missing or unreadable.</exception>
    public static ModelFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw MisplacedModel.NoFolder(path);
        }

        string config = Path.Combine(path, ConfigFile);
        return File.Exists(config) ? new ModelFolder(path, ConfigDocument.Read(config)) : throw MisplacedModel.NoConfig(path);
    }

    /// <summary>The path of a file of the folder.</summary>
    public string PathOf(string file) => Path.Combine(FolderPath, file);

    /// <summary>The defaults for generation, from generation_config.json if there is one, otherwise from config.json.</summary>
    public GenerationDefaults ReadGenerationDefaults()
    {
        string path = PathOf(GenerationConfigFile);
        GenerationDefaults fromConfig = GenerationDefaults.EndOnly(Config);
        return File.Exists(path) ? GenerationDefaults.Read(ConfigDocument.Read(path), fromConfig.EndOfSequence) : fromConfig;
    }

    /// <summary>The weight files and what the index says about them: no tensor file has been opened yet.</summary>
    public CheckpointIndex ReadIndex()
    {
        // As in the reference, the single file wins where both are present.
        if (File.Exists(PathOf(WeightFile)))
        {
            return CheckpointIndex.Single(PathOf(WeightFile));
        }

        if (File.Exists(PathOf(IndexFile)))
        {
            return CheckpointIndex.Read(FolderPath, PathOf(IndexFile));
        }

        throw MisplacedModel.NoWeights(FolderPath);
    }
}
