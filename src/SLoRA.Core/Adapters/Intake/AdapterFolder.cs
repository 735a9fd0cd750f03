using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// An adapter as PEFT saves it: a folder with adapter_config.json and adapter_model.safetensors, or an index of several such; or as MLX
/// does, with adapters.safetensors in their place. The files are read, never mapped: a mapped file that its owner truncates would end the
/// process. Pickled tensors are not read at all. Errors name files from the folder on.
/// </summary>
/// <param name="name">The adapter's name.</param>
/// <param name="path">The folder.</param>
/// <param name="limits">How large the files may be; null for the default.</param>
/// <param name="followsLinks">Whether the folder and its files may be symbolic links: those of Hugging Face's cache are, those of tenants
/// must not be.</param>
/// <param name="model">The base model that it is for; null if that is not known, in which case only PEFT's form is read.</param>
internal sealed class AdapterFolder(
    string name, string path, AdapterLimits? limits = null, bool followsLinks = true, AdapterBase? model = null) : AdapterPackage(name)
{
    public const string ConfigFile = PeftFolder.ConfigFile;
    public const string TensorFile = PeftFolder.TensorFile;

    // Absolute, so that a program that changes its directory still means the same folder at the first load.
    private readonly string _path = path.Length == 0 || path.Contains('\0') ? path : Path.GetFullPath(path);
    private readonly AdapterLimits _limits = limits ?? AdapterLimits.Default;

    /// <inheritdoc/>
    public override string Location => _path;

    /// <inheritdoc/>
    public override string Folder => _path;

    /// <inheritdoc/>
    public override AdapterPackage ForBase(AdapterBase model) => new AdapterFolder(Name, _path, _limits, followsLinks, model);

    /// <inheritdoc/>
    public override AdapterReader Open(PacedLoad? load = null)
    {
        if (!Directory.Exists(_path))
        {
            string problem = File.Exists(_path) ? "is registered by a file; name the folder that it is in" : "its folder does not exist";
            throw new FormatError(LoadErrorKind.File, null, null, problem);
        }

        if (!followsLinks)
        {
            AdapterFile.RefuseLink(_path, null, "its folder is a symbolic link, which is not followed here");
        }

        byte[] config = ReadConfig(out (long Length, DateTime Written) configState);
        bool isMlx = AdapterTensorFiles.IsMlx(_path);
        (ConfigObject json, PeftConfig? peft) = ParseConfig(config, isMlx, load);
        AdapterTensorFiles files = OpenTensors(load);
        try
        {
            return peft is not null ? new FolderReader(this, files, peft, config, configState, load)
                : model is { } known ? MlxReader.Of(this, files, json, config, configState, known.Mlx, load)
                : throw new FormatError(
                    LoadErrorKind.Incompatible, files.Name, null, "is of MLX, whose adapters are read for a model only");
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override PackageStamp? Look()
    {
        (long configBytes, DateTime configWritten) = AdapterFile.StateOf(Path.Combine(_path, ConfigFile), ConfigFile, followsLinks);
        (long tensorBytes, DateTime tensorsWritten) = AdapterTensorFiles.Look(_path, _limits, followsLinks);
        return new PackageStamp(configBytes, configWritten, tensorBytes, tensorsWritten);
    }

    private byte[] ReadConfig(out (long Length, DateTime Written) state)
    {
        using FileStream stream = OpenFile(ConfigFile, _limits.ConfigBytes);
        state = AdapterFile.StateOf(stream.SafeFileHandle, ConfigFile);
        byte[] bytes = new byte[state.Length];
        AdapterFile.Read(stream.SafeFileHandle, ConfigFile, 0, bytes);
        return bytes;
    }

    private static (ConfigObject Json, PeftConfig? Peft) ParseConfig(byte[] config, bool isMlx, PacedLoad? load)
    {
        using PacedWork? work = load?.WorkInPieces();
        ConfigObject json = ConfigDocument.Parse(config, ConfigFile);
        return (json, isMlx ? null : PeftConfigReader.Read(json));
    }

    private AdapterTensorFiles OpenTensors(PacedLoad? load)
    {
        try
        {
            return AdapterTensorFiles.Open(_path, _limits, followsLinks, load);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(TensorFile, error);
        }
    }

    private FileStream OpenFile(string file, long largest)
    {
        try
        {
            return AdapterFile.Open(Path.Combine(_path, file), file, largest, followsLinks);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(file, error);
        }
    }

    private FormatError Missing(string file, Exception error)
    {
        try
        {
            return PeftFolder.Missing(_path, file);
        }
        catch (Exception folder) when (FileProblem.IsOne(folder))
        {
            // The folder itself has gone, or may not be looked into.
            return AdapterFile.Unreadable(file, error);
        }
    }
}
