using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Core.Tests.Formats.HuggingFace;

[Parallelizable(ParallelScope.All)]
internal sealed class MisplacedModelTests
{
    [TestCase("meta-llama/Llama-3.2-1B", "Hugging Face Hub")]
    [TestCase("no/such/model", "neither a folder nor a GGUF file that exists")]
    [TestCase("no-such-model.gguf", "neither a folder nor a GGUF file that exists")]
    public void A_path_that_is_not_there_is_told_what_it_may_be(string path, string mention) =>
        Assert.That(Refused(() => ModelFolder.Open(path)).Message, Does.Contain(mention));

    [TestCase("model.safetensors", "name the folder that config.json is in")]
    public void A_file_in_the_place_of_a_folder_is_told_what_it_is(string file, string mention)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(file, "x");
        Assert.That(Refused(() => ModelFolder.Open(path)).Message, Does.Contain(mention));
    }

    [Test]
    public void The_folder_of_an_adapter_is_told_to_be_one()
    {
        using var folder = new TemporaryFolder();
        folder.Write("adapter_config.json", "{}");
        folder.Write("adapter_model.safetensors", "x");
        Assert.That(Refused(() => ModelFolder.Open(folder.Path)).Message,
            Does.Contain("folder of an adapter").And.Contain("the model that it was trained on"));
    }

    [TestCase("checkpoint-500")]
    [TestCase("snapshots/0a1b2c")]
    public void A_folder_around_that_of_a_model_names_that_of_the_model(string inner)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, inner));
        folder.Write(Path.Combine(inner, "config.json"), "{}");
        Assert.That(
            Refused(() => ModelFolder.Open(folder.Path)).Message, Does.Contain($"'{inner.Replace('/', Path.DirectorySeparatorChar)}'"));
    }

    [Test]
    public void A_model_in_the_form_of_its_makers_is_told_to_be_one()
    {
        using var folder = new TemporaryFolder();
        folder.Write("params.json", "{}");
        folder.Write("consolidated.safetensors", "x");
        Assert.That(Refused(() => ModelFolder.Open(folder.Path)).Message, Does.Contain("params.json").And.Contain("Hugging Face's form"));
    }

    [TestCase("model-00001-of-00002.safetensors", "model.safetensors.index.json")]
    [TestCase("model.fp16.safetensors", "rename it")]
    [TestCase("adapter_model.safetensors", "adapter")]
    [TestCase("tf_model.h5", "TensorFlow")]
    [TestCase("flax_model.msgpack", "Flax")]
    [TestCase("model.onnx", "ONNX")]
    public void Weights_under_other_names_are_told_what_they_are(string file, string mention)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write(file, "x");
        Assert.That(Refused(() => ModelFolder.Open(folder.Path).ReadIndex()).Message, Does.Contain(file).And.Contain(mention));
    }

    [Test]
    public void A_missing_shard_is_to_be_downloaded_again()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors.index.json", """{"weight_map":{"a":"model-00001-of-00002.safetensors"}}""");
        Assert.That(Refused(() => ModelFolder.Open(folder.Path).ReadIndex()).Message,
            Does.Contain("'model-00001-of-00002.safetensors' is missing").And.Contain("download"));
    }

    private static FormatError Refused(Action action) => Assert.Throws<FormatError>(action)!;
}
