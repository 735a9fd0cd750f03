using System.Text;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Formats;

/// <summary>Files in the place of others: the message says what the file is and what to do.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ForeignFileTests
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid "
        + "sha256:abababababababababababababababababababababababababababababababab\nsize 187344\n";
    private const string Config = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":4,"intermediate_size":6,"num_hidden_layers":1,
         "num_attention_heads":2,"vocab_size":5,"max_position_embeddings":16}
        """;

    [TestCase("config.json")]
    [TestCase("generation_config.json")]
    [TestCase("model.safetensors")]
    [TestCase("model.safetensors.index.json")]
    public void A_pointer_of_Git_LFS_in_a_model_is_named_as_that(string file)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Config);
        folder.Write(file, Pointer);
        var error = Assert.Throws<ModelLoadException>(() => BaseModel.Open(folder.Path))!;
        Assert.That(error.Message, Does.Contain(file).And.Contain("Git LFS pointer to a file of 187344 bytes").And.Contain("git lfs pull"));
    }

    [TestCase("adapter_config.json")]
    [TestCase("adapter_model.safetensors")]
    public void A_pointer_of_Git_LFS_in_an_adapter_is_named_as_that(string file)
    {
        using var folder = new TemporaryFolder();
        TestAdapter.For(TestAdapter.Model(1, 8, 8), _ => 2, _ => TensorType.F32).Write(folder.Path);
        folder.Write(file, Pointer);
        AdapterLoadException error = Refused(folder.Path);
        Assert.That(error.Message, Does.Contain(file).And.Contain("Git LFS pointer").And.Contain("git lfs pull"));
    }

    [TestCase("GGUF\u0003\0\0\0\0\0\0\0", "GGUF")]
    [TestCase("PK\u0003\u0004\0\0\u0008\u0008\0\0", "ZIP")]
    [TestCase("\u0080\u0002}q\u0001(X\u0001\0", "pickle")]
    [TestCase("<!doctype html>\n<html><body>Sign in</body></html>", "web page")]
    [TestCase("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "XML")]
    [TestCase("\u001f\u008b\u0008\0\0\0\0\0\0", "gzip")]
    [TestCase("/annex/objects/SHA256E-s187344--abab.safetensors\n", "git annex get")]
    public void Other_formats_under_the_name_of_safetensors_are_named(string content, string mention)
    {
        using var folder = new TemporaryFolder();
        TestAdapter.For(TestAdapter.Model(1, 8, 8), _ => 2, _ => TensorType.F32).Write(folder.Path);
        folder.Write("adapter_model.safetensors", Encoding.Latin1.GetBytes(content));
        Assert.That(Refused(folder.Path).Message, Does.Contain(mention));
        folder.Write("config.json", Config);
        folder.Write("model.safetensors", Encoding.Latin1.GetBytes(content));
        Assert.That(() => BaseModel.Open(folder.Path), Throws.TypeOf<ModelLoadException>().With.Message.Contains(mention));
    }

    [Test]
    public void A_configuration_in_another_encoding_is_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Config)]);
        Assert.That(() => BaseModel.Open(folder.Path), Throws.TypeOf<ModelLoadException>().With.Message.Contains("UTF-16"));
        folder.Write("config.json", [.. Encoding.UTF8.GetPreamble(), .. Encoding.UTF8.GetBytes(Config)]);
        Assert.That(() => BaseModel.Open(folder.Path), Throws.TypeOf<ModelLoadException>().With.Message.Contains("byte order mark"));
    }

    private static AdapterLoadException Refused(string folder) =>
        Assert.Throws<AdapterLoadException>(
            () => AdapterDescription.Read(new AdapterFolder("tenant", folder), TestAdapter.Model(1, 8, 8)))!;
}
